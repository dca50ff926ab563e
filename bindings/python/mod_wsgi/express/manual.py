"""The manual page, from the table of options.

python -m mod_wsgi.express.manual >docs/man/mod_wsgi-express.1
"""

import sys
import textwrap
from collections.abc import Iterator

from .option import Option
from .options import groups, help_text

LINE = 79

HEAD = r""".\" Written by python -m mod_wsgi.express.manual.
.Dd November 23, 2026
.Dt MOD_WSGI-EXPRESS 1
.Os
.Sh NAME
.Nm mod_wsgi-express
.Nd serve a WSGI application with httpd
.Sh SYNOPSIS
.Nm
.Cm start-server | setup-server
.Op Ar script | module | directory
.Op Ar option ...
.Nm
.Cm module-config | module-location
.Nm
.Cm install-module
.Op Fl -modules-directory Ar directory
.Sh DESCRIPTION
.Nm
makes the configuration of an httpd of its own that serves a Python web
application, and runs it.
The application is by default a script that defines
.Ql application .
.Pp
The commands are:
.Bl -tag -width Ds
.It Cm start-server
Makes the server root, prints what is in it, and serves until it is stopped.
.It Cm setup-server
Makes the server root and does not start the server;
.Pa apachectl
in it does.
.It Cm module-config
Prints the directives that load the module into another httpd.
.It Cm module-location
Prints where the module is.
.It Cm install-module
Copies the module to the modules of httpd, or to another directory, and prints
the directives that load it.
.El
.Pp
Environment variables are expanded in arguments, as in
.Ql $HOME .
Options may be shortened as long as they stay unambiguous.
"""

TAIL = r""".Sh SIGNALS
.Bl -tag -width Ds
.It Dv SIGTERM , SIGINT
Stop at once.
.It Dv SIGWINCH
Stop when the requests in flight are answered; not at a terminal, which sends it
when it is resized.
.It Dv SIGHUP
Restart.
.It Dv SIGUSR1
Restart when the requests in flight are answered.
.El
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev HTTPD
The httpd program; it takes precedence over
.Fl -httpd-executable .
.It Ev MOD_WSGI_USER , MOD_WSGI_GROUP , WSGI_RUN_USER , WSGI_RUN_GROUP
Account and group of the server's processes, in the place of
.Fl -user
and
.Fl -group .
.It Ev TMPDIR
Where the default server root is.
.El
.Sh EXIT STATUS
0 when the server was stopped or set up, 1 when it could not be started, 2 for a
mistake in the command line, and the status of httpd when that ends by itself.
.Sh SEE ALSO
.Xr wsgi_core 3 ,
.Xr mod_wsgi 8
"""


def page() -> str:
    return HEAD + "".join(f"{line}\n" for line in _options()) + TAIL


def _options() -> Iterator[str]:
    for title, options in groups().items():
        visible = [option for option in options if not option.hidden]
        yield f".Ss {title}"
        yield ".Bl -tag -width Ds"
        for option in visible:
            yield _item(option)
            yield _escape(textwrap.fill(help_text(option), LINE, break_on_hyphens=False))
        yield ".El"


def _item(option: Option) -> str:
    values = "".join(f" Ar {_escape(name)}" for name in option.metavar)
    return f".It Fl {option.flag[1:]}{values}"


def _escape(text: str) -> str:
    """What roff would take for something else is made harmless."""
    lines = text.replace("\\", "\\e").split("\n")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
