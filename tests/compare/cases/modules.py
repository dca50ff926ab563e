"""What an application can find out about its interpreter."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import Case, answer, run


def modules() -> Iterator[Case]:
    for number, expression in enumerate(
        (
            "mod_wsgi.version", "mod_wsgi.process_group", "mod_wsgi.application_group", "mod_wsgi.maximum_processes",
            "mod_wsgi.threads_per_process", "apache.version", "apache.mpm_name", "apache.maximum_processes",
            "apache.threads_per_process", "apache.description.split(' ')[0]", "type(apache.build_date).__name__",
            "mod_wsgi.__name__, apache.__name__", "sorted(n for n in dir(apache) if n[0] != '_')",
            "mod_wsgi.FileWrapper is environ['wsgi.file_wrapper']", "mod_wsgi.RequestTimeout.__mro__",
            "mod_wsgi.LogHandler.__mro__", "sys.argv", "sys.stdin.read()", "sys.stdout.isatty()",
            "__name__ in sys.modules", "__name__ == '_mod_wsgi_' + __import__('hashlib').md5(__file__.encode()).hexdigest()",
            "type(__mtime__).__name__, __mtime__ // 1000000 == int(os.stat(__file__).st_mtime)",
            "sorted(n for n in globals() if n.startswith('__') and n not in ('__builtins__', '__cached__'))",
            "'/'.join(sys.path[0].split('/')[-1:])", "os.path.dirname(__file__) in sys.path", "sys.flags",
            "environ['wsgi.errors'].name, environ['wsgi.errors'].encoding, environ['wsgi.errors'].errors",
            "type(environ['wsgi.errors']).__name__", "sys.stderr.name, sys.stderr.encoding, sys.stderr.errors",
            "type(sys.stderr).__name__, type(sys.stdout).__name__, sys.stdout.name", "environ['wsgi.errors'].isatty()",
            "environ['wsgi.errors'].line_buffering, environ['wsgi.errors'].write_through",
            "sys.stderr.line_buffering, sys.stderr.write_through", "os.getcwd()", "sorted(os.environ)",
            "os.environ.get('HOME')", "os.environ.get('LANG')", "os.umask(os.umask(0)) ", "sys.getswitchinterval()",
            "__import__('signal').signal(10, print) is print", "__import__('signal').getsignal(10)", "sys.executable != ''",
            "type(mod_wsgi.event_callbacks).__name__, type(mod_wsgi.signal_callbacks).__name__",
            "mod_wsgi.subscribe_shutdown(len) is len, mod_wsgi.shutdown_callbacks[-1] is len", "sys.prefix, sys.exec_prefix",
            "__builtins__['__import__'] is not None", "__package__, __spec__, __doc__[:8], __file__",
            "__import__('locale').getlocale()", "sys.getfilesystemencoding(), sys.getdefaultencoding()",
            "start_response.__self__.ssl_is_https(), start_response.__self__.ssl_var_lookup('HTTPS')",
            "'apache' in sys.modules, 'mod_wsgi' in sys.modules", "sys.stderr.closed, sys.stdin.closed",
            "environ['wsgi.multithread'], environ['wsgi.multiprocess'], environ['wsgi.run_once']",
            "sys.warnoptions, sys.dont_write_bytecode, sys.hash_info.width", "sys.stdin.fileno()",
            "str(mod_wsgi.RequestTimeout('x'))", "mod_wsgi.FileWrapper.__name__, mod_wsgi.LogHandler.__module__",
        )
    ):  # fmt: skip
        source = f"try:\n    value = {expression}\nexcept Exception as error:\n    value = (type(error), str(error))\n"
        yield run(
            f"module-{number} {expression[:60]}", source + answer(body="[repr(value).encode()]")
        )
