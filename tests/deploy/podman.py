"""A container engine of a test's own: Podman in namespaces, with its own storage and network."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import process
from namespaces import ENVIRONMENT, CommandError, Namespaces, attempt, missing, succeed
from server import REPOSITORY
from waiting import poll

COMPOSE_FILE = REPOSITORY / "examples/deploy/container/compose.yaml"
COMPOSE = Path(sys.executable).with_name("podman-compose")
COMMANDS = ["podman", "crun", "catatonit", "dumb-init", "iptables", "nsenter", "unshare"]
HOST_SETTINGS = ["/etc/ssl/certs", "/etc/pip.conf"]
"""How this machine reaches the packages that a build downloads."""

# KILL, as unshare ignores TERM. It takes its child along, and that all other processes.
UNSHARE = [
    *("setpriv", "--pdeathsig=KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"),
]

# Everything that engines share by a place of a fixed name. In a tree of control groups that is
# partly of version 2, crun does not work: only the version 1 of it is mounted.
PREPARE = """
mount -t proc proc /proc
for place in /run/containers /run/crun /run/libpod /run/netns /dev/shm; do
    mkdir -p "$place"
    mount -t tmpfs -o mode=755 tmpfs "$place"
done
if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    sed -n 's/^[1-9][0-9]*:\\([^:]*\\):.*/\\1/p' /proc/self/cgroup | while read -r names; do
        mkdir "/sys/fs/cgroup/${names#name=}"
        mount -t cgroup -o "$names" cgroup "/sys/fs/cgroup/${names#name=}"
    done
fi
"""

# The engine would have the system's systemd run its health checks.
SERVE = """
[ ! -d /run/systemd ] || mount -t tmpfs tmpfs /run/systemd
ip link set lo up
podman pod rm --all --force >/dev/null
podman rm --all --force >/dev/null
touch "$READY"
exec sleep infinity
"""
STOP = """
podman pod rm --all --force --time 0
podman rm --all --force --time 0
podman volume rm --all --force
find /sys/fs/cgroup -depth -path '*/libpod_parent*' -type d -exec rmdir {} +
"""

STORAGE = """
[storage]
driver = "overlay"
graphroot = "{storage}/images"
runroot = "/run/containers/storage"
"""
CONTAINERS = """
[containers]
default_ulimits = [{limits}]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
tmp_dir = "/run/libpod"
[network]
network_backend = "netavark"
network_config_dir = "{directory}/networks"
"""
LIMITS = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}


class Engine(Namespaces):
    """The engine; its images are in `storage`, and outlive it."""

    # A published port is translated, and of the loopback addresses just for this one.
    client = "127.0.0.1"

    def __init__(self, storage: Path) -> None:
        super().__init__()
        self.unshare: subprocess.Popen[bytes] | None = None
        (storage / "tmp").mkdir(parents=True, exist_ok=True)
        # The engine wants more than is allowed to those who may not raise it.
        limits = {name: resource.getrlimit(number) for name, number in LIMITS.items()}
        texts = {
            "storage.conf": STORAGE.format(storage=storage),
            "containers.conf": CONTAINERS.format(
                directory=self.directory,
                limits=", ".join(f'"{name}={hard}:{hard}"' for name, (_, hard) in limits.items()),
            ),
        }
        for name, text in texts.items():
            (self.directory / name).write_text(text)
        proxies = {key: os.environ[key] for key in os.environ if key.lower().endswith("_proxy")}
        self.environment = {
            **ENVIRONMENT,
            **proxies,
            "CONTAINERS_STORAGE_CONF": str(self.directory / "storage.conf"),
            "CONTAINERS_CONF": str(self.directory / "containers.conf"),
            "TMPDIR": str(storage / "tmp"),
            # Images of the other format have no health check.
            "BUILDAH_FORMAT": "docker",
            "READY": str(self.directory / "ready"),
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.unshare is not None:
            if self.unshare.poll() is None:
                attempt([*self.enter(), "sh", "-c", STOP], self.environment, 60)
                self.unshare.kill()
            self.unshare.wait()
        self.close()

    def start(self) -> None:
        output = self.directory / "output"
        with output.open("wb") as writer:
            self.unshare = subprocess.Popen(
                [*UNSHARE, "--net", "dumb-init", "sh", "-euc", PREPARE + SERVE],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                start_new_session=True,
            )

        def is_ready() -> bool:
            assert self.unshare is not None
            assert self.unshare.poll() is None, output.read_text()
            return (self.directory / "ready").exists()

        poll(is_ready, "the namespaces of the engine are ready", 60.0)
        (self.init,) = process.children(self.unshare.pid)

    def prepare(self, script: str, *arguments: str | Path) -> str:
        """Runs commands of a shell that fill the storage, with this system's network."""
        command = [*UNSHARE, "dumb-init", "bash", "-euo", "pipefail", "-c", PREPARE + script, "sh"]
        return succeed([*command, *arguments], self.environment, 900).stdout

    def build(self) -> None:
        """Builds the image of the compose file, from images that are there."""
        volumes = [f"--volume={each}:{each}:ro" for each in HOST_SETTINGS if Path(each).exists()]
        options = " ".join(["--network=host", "--pull=never", *volumes])
        self.prepare(
            """
            "$1" -f "$2" --podman-build-args="$3" build
            podman image prune --force --filter until=24h
            """,
            *(COMPOSE, COMPOSE_FILE, options),
        )

    def command(self, *words: str | Path) -> list[str | Path]:
        """The command that runs another where the engine is."""
        # An engine leaves files in the directory that it was started in.
        return [*self.enter(), f"--wdns={self.directory}", *words]

    def attempt(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a command there."""
        return attempt(self.command(*words), self.environment, 120)

    def run(self, *words: str | Path, **changes: str) -> str:
        """The same for a command that must succeed; returns what it prints."""
        return succeed(self.command(*words), self.environment | changes, 120).stdout

    def podman(self, *arguments: str | Path) -> str:
        return self.run("podman", *arguments)

    def compose(self, *arguments: str, **changes: str) -> str:
        return self.run(COMPOSE, "-f", COMPOSE_FILE, *arguments, **changes)

    def unusable(self, image: str) -> str:
        """Why containers cannot run here; empty when they can."""
        limits = ["--memory=64m", "--cpus=1", "--publish=8000:8000"]
        try:
            self.podman("run", "--rm", "--pull=never", *limits, image, "true")
        except CommandError as error:
            return f"podman does not work here: {error}"
        return ""


class Running:
    """A container that the engine runs."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.socket = engine.socket
        self.accepts = engine.accepts
        self.stopping: subprocess.Popen[bytes] | None = None

    def facts(self) -> dict[str, Any]:
        """What `podman inspect` tells."""
        facts: list[dict[str, Any]] = json.loads(self.engine.podman("inspect", self.name))
        return facts[0]

    def processes(self) -> list[int]:
        """Its processes, as numbered outside; the first is its process 1."""
        inside = str(self.facts()["State"]["Pid"])
        (first,) = (
            pid for pid in process.descendants(self.engine.init) if numbers(pid)[1:2] == [inside]
        )
        return [first, *process.descendants(first)]

    def output(self) -> str:
        """What it printed."""
        answer = self.engine.attempt("podman", "logs", self.name)
        return answer.stdout + answer.stderr

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs a command in it, as its user."""
        return self.engine.attempt("podman", "exec", self.name, *command)

    def stop(self) -> None:
        """Begins to stop it."""
        self.stopping = subprocess.Popen(
            self.engine.command("podman", "stop", self.name),
            env=self.engine.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> int:
        """Waits until it has stopped; the status of its process 1."""
        assert self.stopping is not None and self.stopping.wait(60.0) == 0
        status: int = self.facts()["State"]["ExitCode"]
        return status


def numbers(pid: int) -> list[str]:
    """What a process is called in its namespaces, from the outside to the inside."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    (line,) = (line for line in status.splitlines() if line.startswith("NSpid:"))
    return line.split()[1:]


def unusable() -> str:
    """Why there is no engine; empty when one can be tried."""
    return missing([*COMMANDS, "mmdebstrap", "rustc"])
