"""What a generated httpd.conf means, for comparing it with another one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mod_wsgi.express import apachectl, definitions, httpd_conf, installation, validation
from mod_wsgi.express.derived import Site
from mod_wsgi.express.options import from_namespace
from mod_wsgi.express.parsing import make_parser

ROOT = "/srv/conf"
ALWAYS = ("--server-root", ROOT, "--working-directory", "/srv/app", "--locale", "C.UTF-8")
MODULES = installation.built_for().modules


def make_site(*words: str) -> Site:
    values, arguments = make_parser("start-server").parse_args([*ALWAYS, *words])
    options = validation.complete(from_namespace(values), arguments)
    validation.validate(options)
    return Site(options, ["mod_wsgi-express", "start-server", *words])


def effective(site: Site) -> list[str]:
    """The directives that hold with the definitions of apachectl, each after its sections.

    Like `Directory ROOT/htdocs: Options +Indexes`; each option of a directive that has several
    lines counts as a directive of its own.
    """
    given = set(definitions.definitions(site))
    found: list[str] = []
    sections: list[tuple[str, bool]] = []
    directive = ""
    for line in httpd_conf.render(site).splitlines():
        text = line.strip()
        if text.startswith("</"):
            sections.pop()
        elif text.startswith("<IfDefine "):
            name = text[len("<IfDefine ") : -1]
            holds = name[1:] not in given if name.startswith("!") else name in given
            sections.append(("", holds))
        elif text.startswith("<"):
            sections.append((text[1:-1] + ": ", True))
        elif text and all(holds for _, holds in sections):
            place = "".join(name for name, _ in sections)
            option = text.removesuffix("\\").rstrip()
            found.append(readable(f"{place}{directive}{option}"))
            directive = directive or f"{option}: " if text.endswith("\\") else ""
    return found


def readable(text: str) -> str:
    return text.replace(ROOT, "ROOT").replace(MODULES, "MODULES").replace('"', "")


@dataclass(frozen=True)
class Difference:
    added: list[str]
    removed: list[str]


def difference(*words: str, base: tuple[str, ...] = ()) -> Difference:
    """What some words of the command line change."""
    before = effective(make_site("app.wsgi", *base))
    after = effective(make_site("app.wsgi", *base, *words))
    return Difference(_without(after, before), _without(before, after))


def _without(lines: list[str], others: list[str]) -> list[str]:
    left = Counter(others)
    kept = []
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            kept.append(line)
    return kept


def control_script(*words: str) -> str:
    return readable(apachectl.render(make_site("app.wsgi", *words)))
