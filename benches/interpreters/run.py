#!/usr/bin/env python3
"""Show whether two CPU-bound application groups of one process run at the same time.

    benches/interpreters/run.py PREFIX [PYTHON_HOME]

PREFIX is an installed tree; PYTHON_HOME a Python whose runtime is in it. One httpd child serves two
application groups, which compute for a while, to one client each: first one group alone, then both.
Given is the best of several rounds. With one GIL, two take twice as long as one, and the process never
uses more than one processor. With a GIL each it uses as many as there are; on an idle machine whose
processors are real ones, two then take as long as one.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = 5
REQUESTS = 10

COMPUTING = """
def application(environ, start_response):
    total = 0
    for number in range(1_000_000):
        total += number * number
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % total]
"""

SECTIONS = {
    "one GIL": "",
    "a GIL each": "WSGIPerInterpreterGIL On\n",
    "no GIL": "WSGIFreeThreading On\n",
}


def cpu_seconds(server):
    """CPU time of the child that serves."""
    [child] = server.children()
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask_all(server, groups):
    """Seconds that clients need for their requests, one client for each group, at the same time; and
    how many processors the server used meanwhile."""

    from client import Connection

    def ask(group):
        with Connection(server.port, 60) as connection:
            return [connection.request("GET", f"/{group}").status for _ in range(REQUESTS)]

    with ThreadPoolExecutor() as pool:
        before, start = cpu_seconds(server), time.perf_counter()
        answers = list(pool.map(ask, groups))
        end, after = time.perf_counter(), cpu_seconds(server)
    if answers != [[200] * REQUESTS] * len(groups):
        raise SystemExit(f"the server answered {answers}; its log is {server.log.path}")
    return end - start, (after - before) / (end - start)


def measure(home, directives):
    from httpd import Httpd, Mpm

    config = "".join(
        f"WSGIScriptAlias /{group} @ROOT@/app.wsgi application-group={group}\n" for group in "ab"
    )
    config += (f"WSGIPythonHome {home}\n" if home else "") + directives
    server = Httpd(config, Mpm("event", 1, 4, 1))
    (server.root / "app.wsgi").write_text(COMPUTING)
    (server.root / "app.wsgi").chmod(0o644)
    server.start()
    try:
        ask_all(server, "ab")
        alone = min(ask_all(server, "a")[0] for _ in range(ROUNDS))
        rounds = [ask_all(server, "ab") for _ in range(ROUNDS)]
    finally:
        server.stop()
        server.remove()
    return alone, min(rounds)[0], max(processors for _, processors in rounds)


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    os.environ["WSGI_CORE_PREFIX"] = str(Path(sys.argv[1]).resolve())
    sys.path.insert(0, str(ROOT / "tests/e2e"))
    home = sys.argv[2] if len(sys.argv) == 3 else ""
    print("| interpreters | one group, s | both groups, s | both : one | processors used by both |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, directives in SECTIONS.items():
        if name == "no GIL" and not home.rstrip("/").endswith("t"):
            continue
        alone, both, used = measure(home, directives)
        print(f"| {name} | {alone:.2f} | {both:.2f} | {both / alone:.2f} | {used:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
