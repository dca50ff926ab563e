#!/usr/bin/env python3
"""Measure httpd with a handler in C, with mod_wsgi and with wsgi-core.

All servers run under the same httpd configuration and are loaded in turn by
wrk, round by round (A B C A B C), so that a drift of the machine hits all of
them alike.  CPU time is read from /proc for every process of a server.  See
README.md beside this file.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "bench"
TICK = os.sysconf("SC_CLK_TCK")
MOD_WSGI = "mod_wsgi==6.1.1"
KINDS = ("floor", "mod_wsgi", "ours")
EMBEDDED = ("mod_wsgi", "ours")
# Processes and threads of a group: that of every kind of work, those of the
# small response alone, and that whose memory is measured.
SHAPE = "2x15"
OTHER_SHAPES = ("1x5", "1x15", "2x5")
MEMORY_SHAPE = "4x15"
CONNECTIONS = 16
# Nothing here may run longer, whatever --seconds and --rounds say.
DEADLINE_S = 900

CONFIGURATION = """\
ServerRoot "{root}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile "{root}/httpd.pid"
DefaultRuntimeDir "{root}"
ErrorLog "{root}/error.log"
LogLevel warn
{user}
<IfModule !mpm_event_module>
LoadModule mpm_event_module "{modules}/mod_mpm_event.so"
</IfModule>
<IfModule !authz_core_module>
LoadModule authz_core_module "{modules}/mod_authz_core.so"
</IfModule>
StartServers {children}
ServerLimit {children}
ThreadsPerChild {threads}
MaxRequestWorkers {workers}
MinSpareThreads 1
MaxSpareThreads {workers}
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
<Directory "{root}">
Require all granted
</Directory>
{server}
"""

WSGI_CONFIGURATION = """\
LoadModule wsgi_module "{module}"
WSGIScriptAlias / "{root}/bench.wsgi"
WSGIApplicationGroup %{{GLOBAL}}"""

DAEMON_CONFIGURATION = """
WSGISocketPrefix "{root}/wsgi"
WSGIDaemonProcess bench processes={processes} threads={daemon_threads}
WSGIProcessGroup bench"""

FLOOR_CONFIGURATION = """\
LoadModule bench12_module "{module}"
<Location "/">
SetHandler bench12
</Location>"""


@dataclasses.dataclass(frozen=True)
class Case:
    """One kind of work: a path, what it answers and what it is sent."""

    name: str
    title: str
    path: str
    answer: int
    body: int = 0
    servers: tuple[str, ...] = ()
    connections: int = CONNECTIONS


WORK = (
    Case("12", "12-byte response", "/", 12),
    Case("1m", "1 MiB response", "/1m", 1 << 20),
    Case("stream", "128 × 8 KiB stream", "/stream", 1 << 20),
    Case("file", "10 MiB file_wrapper", "/file", 10 << 20),
    Case("upload", "64 KiB upload", "/upload", 5, body=65536),
)


def daemons(shape):
    return tuple(f"{kind}-{shape}" for kind in EMBEDDED)


def cases():
    """Each work in each mode; the floor does the first only."""
    modes = [("embedded", EMBEDDED), ("daemon", daemons(SHAPE))]
    for mode, servers in modes:
        for work in WORK:
            floor = ("floor",) if (mode, work.name) == ("embedded", "12") else ()
            yield dataclasses.replace(
                work,
                name=f"{mode}-{work.name}",
                title=f"{work.title}, {mode}",
                servers=floor + servers,
            )
    for shape in OTHER_SHAPES:
        yield dataclasses.replace(
            WORK[0],
            name=f"daemon-{shape}-12",
            title=f"{WORK[0].title}, daemon of {shape}",
            servers=daemons(shape),
        )
    for mode, servers in modes:
        yield dataclasses.replace(
            WORK[0],
            name=f"{mode}-latency",
            title=f"{WORK[0].title}, {mode}, one connection",
            servers=servers,
            connections=1,
        )


CASES = tuple(cases())
SHAPES = (SHAPE, *OTHER_SHAPES, MEMORY_SHAPE)
SERVERS = (*KINDS, *(name for shape in SHAPES for name in daemons(shape)))


def kind_of(server):
    """Whose module it is, and the shape of its process group if it has one."""
    kind, _, shape = server.partition("-")
    return kind, shape


class BenchError(Exception):
    """The benchmark cannot go on; the message says why."""


def run(*command, **options):
    """Run a command quietly; on failure show what it said."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}:\n{done.stdout}")
    return done.stdout


def progress(text):
    print(text, file=sys.stderr, flush=True)


# Building what is measured.


class Apxs:
    """What apxs knows about the installed httpd."""

    def __init__(self, program):
        self.program = program
        self.httpd = pathlib.Path(self.query("SBINDIR")) / self.query("PROGNAME")
        self.modules = pathlib.Path(self.query("LIBEXECDIR"))

    def query(self, name):
        return run(self.program, "-q", name).strip()

    def compile(self, source, directory):
        """Compile a module into `directory` and return its shared object."""
        built = directory / ".libs" / (source.stem + ".so")
        if built.exists() and built.stat().st_mtime > source.stat().st_mtime:
            return built
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, directory)
        run(self.program, "-c", "-Wc,-O2", source.name, cwd=directory)
        return built


def install_mod_wsgi(python, apxs):
    """Install mod_wsgi from PyPI in a scratch venv; return its module."""
    venv = BUILD / "venv"
    express = venv / "bin" / "mod_wsgi-express"
    if not express.exists():
        progress(f"installing {MOD_WSGI} in {venv}")
        run(python, "-m", "venv", "--clear", venv)
        environment = dict(os.environ, APXS=apxs.program)
        pip = venv / "bin" / "pip"
        run(pip, "install", "--quiet", MOD_WSGI, env=environment)
    return pathlib.Path(run(express, "module-location").strip())


def find_ours(prefix):
    """Return the module of the installed tree, or None without one."""
    module = prefix / "lib" / "httpd" / "modules" / "mod_wsgi.so"
    return module.resolve() if module.exists() else None


def build_modules(options, apxs, wanted):
    modules = {}
    kinds = {kind_of(name)[0] for name in wanted}
    if "floor" in wanted:
        modules["floor"] = apxs.compile(HERE / "mod_bench12.c", BUILD / "mod_bench12")
    if "mod_wsgi" in kinds:
        modules["mod_wsgi"] = install_mod_wsgi(options.python, apxs)
    if "ours" in kinds:
        module = find_ours(options.prefix)
        if module is None:
            progress(f"ours is not built in {options.prefix}: left out")
        else:
            modules["ours"] = module
    found = {name: modules.get(kind_of(name)[0]) for name in wanted}
    return {name: module for name, module in found.items() if module is not None}


# One server: an httpd of its own in a directory of its own.


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """An httpd in the foreground, with everything it needs around it."""

    def __init__(self, name, module, apxs, options):
        self.name = name
        self.port = free_port()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
        self.root.chmod(0o755)
        self.process = None
        self.apxs = apxs
        template = FLOOR_CONFIGURATION if name == "floor" else WSGI_CONFIGURATION
        _, shape = kind_of(name)
        processes, _, threads = shape.partition("x")
        if shape:
            template += DAEMON_CONFIGURATION
        configuration = CONFIGURATION.format(
            root=self.root,
            port=self.port,
            modules=apxs.modules,
            children=options.children,
            threads=options.threads,
            workers=options.children * options.threads,
            user="User www-data\nGroup www-data" if os.getuid() == 0 else "",
            server=template.format(
                module=module,
                root=self.root,
                processes=processes,
                daemon_threads=threads,
            ),
        )
        (self.root / "httpd.conf").write_text(configuration)
        # The application has to be readable by the user httpd serves as,
        # which a checkout need not be.
        shutil.copy(HERE / "bench.wsgi", self.root)
        (self.root / "data.bin").write_bytes(os.urandom(10 << 20))

    def start(self):
        self.process = subprocess.Popen(
            [
                self.apxs.httpd,
                "-d",
                self.root,
                "-f",
                self.root / "httpd.conf",
                "-DFOREGROUND",
            ],
            stdin=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            if self.process.poll() is not None or time.monotonic() > until:
                raise BenchError(f"{self.name} did not start\n{self.log()}")
            time.sleep(0.05)

    def stop(self):
        """End our own process; its children end with it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            self.process.wait()
        self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def log(self):
        try:
            text = (self.root / "error.log").read_text(errors="replace")
        except OSError:
            return "(no error log)"
        return "\n".join(text.splitlines()[-20:])

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def pids(self):
        """The httpd parent and all that descend from it."""
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                stat = read_stat(entry)
                if stat:
                    children.setdefault(int(stat[1]), []).append(int(entry))
        found = [self.process.pid]
        for pid in found:
            found.extend(children.get(pid, ()))
        return found

    def cpu_seconds(self):
        """User and system time of every process, dead children included."""
        ticks = 0
        for pid in self.pids():
            stat = read_stat(pid)
            if stat:
                ticks += sum(int(field) for field in stat[11:15])
        return ticks / TICK

    def memory_kib(self):
        """Proportional set size of every process together."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                for line in rollup:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total

    def check(self, case):
        """Ask for the path once: a wrong answer must not be measured."""
        data = b"u" * case.body if case.body else None
        try:
            with urllib.request.urlopen(
                self.url(case.path), data, timeout=20
            ) as answer:
                body = answer.read()
        except OSError as error:
            raise BenchError(
                f"{self.name} {case.path}: {error}\n{self.log()}"
            ) from error
        if len(body) != case.answer:
            raise BenchError(
                f"{self.name} {case.path}: {len(body)} bytes, "
                f"not {case.answer}\n{self.log()}"
            )


def read_stat(pid):
    """The fields of /proc/PID/stat after the name, or None if it ended."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()
    except OSError:
        return None


# Measuring.


def load(server, case, seconds):
    """Let wrk load one path and return what it and /proc counted."""
    command = [
        "wrk",
        "--threads=1",
        f"--connections={case.connections}",
        f"--duration={seconds}s",
        "--timeout=10s",
        f"--script={HERE / 'load.lua'}",
        server.url(case.path),
        "--",
    ]
    if case.body:
        command.append(str(case.body))
    before = server.cpu_seconds()
    output = run(*command, timeout=seconds + 60)
    cpu = server.cpu_seconds() - before
    counted = json.loads(output.strip().splitlines()[-1])
    # httpd may end a keep-alive connection at any time; an answer that is not
    # a success, or more than a few broken connections, spoils the round.
    spoilt = counted["refused"] or counted["broken"] * 1000 > counted["requests"]
    if spoilt or not counted["requests"]:
        raise BenchError(f"{server.name} {case.path}: {counted}\n{server.log()}")
    return {
        "requests": counted["requests"],
        "requests_per_second": counted["requests"] / (counted["duration_us"] / 1e6),
        "cpu_us_per_request": cpu * 1e6 / counted["requests"],
        "p50_us": counted["p50_us"],
        "p99_us": counted["p99_us"],
    }


def measure(servers, cases, options, deadline):
    """All cases, all servers, round by round."""
    rounds = {}
    for case in cases:
        taking_part = [servers[name] for name in case.servers if name in servers]
        for server in taking_part:
            server.check(case)
            load(server, case, 1)
        for number in range(options.rounds):
            for server in taking_part:
                if time.monotonic() + options.seconds > deadline:
                    raise BenchError(
                        f"over {DEADLINE_S} s: lower --seconds or --rounds"
                    )
                one = load(server, case, options.seconds)
                rounds.setdefault((case.name, server.name), []).append(one)
                progress(
                    f"{case.name:18} {server.name:13} "
                    f"round {number + 1}/{options.rounds}  "
                    f"{one['requests_per_second']:9.0f} req/s "
                    f"{one['cpu_us_per_request']:8.1f} µs CPU/req  "
                    f"p50 {one['p50_us']} µs  p99 {one['p99_us']} µs"
                )
    return rounds


def measure_memory(servers, cases):
    """Memory of each server while no other is running.

    Pages are shared between httpds, and PSS divides a page by its users, so
    two servers at a time would each look smaller than they are.
    """
    memory = {}
    for server in servers.values():
        _, shape = kind_of(server.name)
        if shape not in ("", SHAPE, MEMORY_SHAPE):
            continue
        server.start()
        case = cases[0]
        server.check(case)
        load(server, case, 1)
        memory[server.name] = server.memory_kib()
        server.stop()
    return memory


def summarize(rounds):
    """The median of the rounds, and all of them."""
    results = []
    for (case, server), measured in rounds.items():
        entry = {"case": case, "server": server, "rounds": measured}
        for key in measured[0]:
            entry[key] = statistics.median(one[key] for one in measured)
        results.append(entry)
    return results


# Reporting.


def cpu_model():
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def versions(options, apxs, modules):
    found = {
        "httpd": run(apxs.httpd, "-v").split()[2].partition("/")[2],
        "wrk": subprocess.run(["wrk", "-v"], stdout=subprocess.PIPE, text=True)
        .stdout.split()[1]
        .removeprefix("debian/"),
        "python": run(options.python, "-V").split()[1],
    }
    kinds = {kind_of(name)[0] for name in modules}
    if "mod_wsgi" in kinds:
        found["mod_wsgi"] = MOD_WSGI.partition("==")[2]
    if "ours" in kinds:
        pc = options.prefix / "lib" / "pkgconfig" / "wsgi_core.pc"
        for line in pc.read_text().splitlines() if pc.exists() else ():
            if line.startswith("Version:"):
                found["wsgi-core"] = line.partition(":")[2].strip()
    return found


def table(report):
    """The results as Markdown."""
    by_name = {(r["case"], r["server"]): r for r in report["results"]}
    names = {"floor": "C handler", "mod_wsgi": "mod_wsgi", "ours": "wsgi-core"}
    lines = [
        "| work | server | CPU µs/request | requests/s | p50 µs | p99 µs "
        "| CPU, ours : mod_wsgi |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for case in CASES:
        theirs = by_name.get((case.name, case.servers[-2]))
        for server in case.servers:
            result = by_name.get((case.name, server))
            if result is None:
                continue
            ratio = ""
            if server.startswith("ours") and theirs:
                ours = result["cpu_us_per_request"]
                ratio = f"{ours / theirs['cpu_us_per_request']:.2f}"
            lines.append(
                f"| {case.title} | {names[kind_of(server)[0]]} "
                f"| {result['cpu_us_per_request']:.1f} "
                f"| {result['requests_per_second']:.0f} "
                f"| {result['p50_us']:.0f} | {result['p99_us']:.0f} | {ratio} |"
            )
    lines += ["", "| server | memory (PSS of all processes) |", "| --- | ---: |"]
    for server, kib in report["memory_kib"].items():
        kind, shape = kind_of(server)
        mode = f", daemon of {shape}" if shape else ""
        lines.append(f"| {names[kind]}{mode} | {kib / 1024:.1f} MiB |")
    settings = report["settings"]
    lines += [
        "",
        f"Machine: {report['machine']['cpus']} CPUs, "
        f"{report['machine']['model']}. "
        + ", ".join(f"{k} {v}" for k, v in report["versions"].items())
        + f". Event MPM, {settings['children']} children of "
        f"{settings['threads']} threads, process groups of {SHAPE} (processes "
        f"by threads) unless said, {settings['connections']} keep-alive "
        f"connections, median of {settings['rounds']} rounds of "
        f"{settings['seconds']} s.",
        "",
    ]
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        action="append",
        metavar="CASE",
        choices=[case.name for case in CASES],
        help="measure this case alone; may be repeated",
    )
    parser.add_argument(
        "--servers",
        default=",".join(SERVERS),
        help="which servers, with commas between (default: %(default)s)",
    )
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--children", type=int, default=2)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument(
        "--prefix",
        type=pathlib.Path,
        default=os.environ.get("WSGI_CORE_PREFIX", ROOT / "build" / "stage"),
        help="where wsgi-core is installed (default: %(default)s)",
    )
    parser.add_argument(
        "--python",
        default=(os.environ.get("PYTHON") or "/usr/bin/python3").split()[0],
        help="the Python that runs mod_wsgi (default: %(default)s)",
    )
    parser.add_argument("--apxs", default=os.environ.get("APXS", "apxs"))
    parser.add_argument(
        "--keep-logs",
        action="store_true",
        help="keep the directories of the servers",
    )
    options = parser.parse_args()
    options.prefix = options.prefix.resolve()
    for name in options.servers.split(","):
        if name not in SERVERS:
            parser.error(f"no such server: {name}")
    for tool in ("wrk", options.apxs, options.python):
        if shutil.which(tool) is None:
            parser.error(f"{tool} is not installed")
    return options


def bench(options):
    deadline = time.monotonic() + DEADLINE_S
    BUILD.mkdir(parents=True, exist_ok=True)
    apxs = Apxs(shutil.which(options.apxs))
    modules = build_modules(options, apxs, options.servers.split(","))
    cases = [c for c in CASES if not options.only or c.name in options.only]
    loaded = {name for case in cases for name in case.servers}
    servers = {}
    try:
        for name, module in modules.items():
            servers[name] = Server(name, module, apxs, options)
            if name in loaded:
                servers[name].start()
        rounds = measure(servers, cases, options, deadline)
        for server in servers.values():
            server.stop()
        memory = measure_memory(servers, CASES)
    finally:
        for server in servers.values():
            if options.keep_logs:
                server.stop()
                progress(f"{server.name}: {server.root}")
            else:
                server.remove()
    report = {
        "machine": {"cpus": os.cpu_count(), "model": cpu_model()},
        "versions": versions(options, apxs, modules),
        "settings": {
            "children": options.children,
            "threads": options.threads,
            "connections": CONNECTIONS,
            "seconds": options.seconds,
            "rounds": options.rounds,
        },
        "results": summarize(rounds),
        "memory_kib": memory,
    }
    markdown = table(report)
    (BUILD / "results.json").write_text(json.dumps(report, indent=2) + "\n")
    (BUILD / "results.md").write_text(markdown)
    print(markdown)
    progress(f"written: {BUILD / 'results.json'}, {BUILD / 'results.md'}")


def main():
    try:
        bench(arguments())
    except BenchError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
