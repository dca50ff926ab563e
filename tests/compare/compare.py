"""Ask mod_wsgi and wsgi-core the same, and tell where they differ."""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from cases import Case, all_cases  # noqa: E402
from expected import EXPECTED, Difference  # noqa: E402
from httpd import module_path  # noqa: E402
from observe import Observed  # noqa: E402
from sides import Kind, Side  # noqa: E402

OTHER = """
WSGICaseSensitivity Off
WSGIRestrictStdout On
WSGIRestrictStdin On
WSGIRestrictSignal Off
WSGIScriptReloading Off
WSGIPythonOptimize 1
WSGIPythonWarnings ignore
WSGIDontWriteBytecode On
WSGIMapHEADToGET On
WSGIPassAuthorization On
WSGIPassApacheRequest On
WSGIChunkedRequest On
WSGIEnableSendfile On
WSGIApplicationGroup %{SERVER}
UseCanonicalName On
"""
FEWER = r"method|head|path|target|root|dir-|alias|file-|group|canonical|secure|log |module|body|run-|output file|dispatch|password"
KINDS = {
    "embedded": Kind("embedded"),
    "daemon": Kind("daemon"),
    "embedded, other settings": Kind("embedded", OTHER, FEWER),
    "daemon, other settings": Kind("daemon", OTHER, FEWER),
}


def seen(kind: Kind, module: Path, cases: list[Case]) -> dict[str, Observed]:
    side = Side(module, kind)
    try:
        return side.run(case for case in cases if re.match(kind.cases, case.name))
    finally:
        side.remove()


def compare(mode: str, case: Case, theirs: Observed, ours: Observed) -> tuple[set[Difference], int]:
    """The differences that are expected, and how many are not; those are printed."""
    met: set[Difference] = set()
    unexpected = 0
    for key in sorted({*theirs, *ours}):
        if theirs.get(key) == ours.get(key):
            continue
        reasons = [d for d in EXPECTED if d.covers(mode, case.name, key, ours.get(key))]
        met.update(reasons)
        if not reasons:
            unexpected += 1
            print(f"{mode}: {case.name}: {key}")
            print(f"    mod_wsgi  {theirs.get(key)}\n    wsgi-core {ours.get(key)}")
    return met, unexpected


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", type=Path, help="the module of mod_wsgi")
    parser.add_argument("--only", default="", help="cases whose name matches this expression")
    arguments = parser.parse_args()
    cases = [case for case in all_cases() if re.search(arguments.only, case.name)]
    # Most of the time is spent waiting for responses that never end.
    with ThreadPoolExecutor(2 * len(KINDS)) as pool:
        running = {
            (name, module): pool.submit(seen, kind, module, cases)
            for name, kind in KINDS.items()
            for module in (arguments.module, module_path())
        }
    met: set[Difference] = set()
    unexpected = compared = 0
    for name, kind in KINDS.items():
        theirs, ours = (running[name, each].result() for each in (arguments.module, module_path()))
        for case in cases:
            if case.name in ours:
                found, count = compare(kind.mode, case, theirs[case.name], ours[case.name])
                met |= found
                unexpected += count
                compared += 1
    stale = [] if arguments.only else [each for each in EXPECTED if each not in met]
    for each in stale:
        print(f"no longer different: {each}")
    print(f"{compared} requests compared, {len(met)} expected differences, {unexpected} unexpected")
    return 1 if unexpected or stale else 0


if __name__ == "__main__":
    sys.exit(main())
