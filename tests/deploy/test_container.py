"""docs/deploy/container.md: the image, and what is started of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import images
import podman
import pytest
import yaml
from answer import Site, begin_upload
from container import Container, Dockerfile
from podman import Engine, Running
from server import REPOSITORY
from waiting import poll

FILES = REPOSITORY / "examples/deploy/container"
STORAGE = Path(os.environ.get("WSGI_CORE_CONTAINERS", "build/containers")).absolute()
"""Where images are from one run to the next."""

PORT = 8000
RESERVED = 512 << 20
"""The memory of one container."""

Started = Container | Running


@pytest.fixture(scope="module")
def image() -> Dockerfile:
    return Dockerfile(FILES / "Dockerfile")


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    composed: dict[str, Any] = yaml.safe_load((FILES / "compose.yaml").read_text())
    service: dict[str, Any] = composed["services"]["blog"]
    return service


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A container engine that has built the image."""
    if reason := podman.unusable():
        pytest.skip(reason)
    with Engine(STORAGE) as engine:
        if reason := images.make_bases(engine, FILES / "Dockerfile"):
            pytest.skip(reason)
        python = Dockerfile(FILES / "Dockerfile").stages[-1].split()[0]
        if reason := engine.unusable(python):
            pytest.skip(reason)
        engine.build()
        yield engine


@contextmanager
def composed(engine: Engine) -> Iterator[Running]:
    """The container that the compose file starts."""
    engine.compose("up", "--detach", "--no-build")
    running = Running(engine, "blog_blog_1")
    try:
        poll(lambda: running.accepts(PORT), "the container accepts connections", 30.0)
        yield running
    except BaseException as error:
        error.add_note(running.output())
        raise
    finally:
        engine.compose("down")


@pytest.fixture(params=["podman", "namespaces"])
def container(request: pytest.FixtureRequest) -> Iterator[Started]:
    """The service of compose.yaml, as an engine runs it and without one."""
    if request.param == "namespaces":
        image, service = request.getfixturevalue("image"), request.getfixturevalue("service")
        with Container(image, service, request.getfixturevalue("sites")) as container:
            yield container
    else:
        with composed(request.getfixturevalue("engine")) as running:
            yield running


@pytest.fixture
def running(engine: Engine) -> Iterator[Running]:
    """The service of compose.yaml, as an engine runs it."""
    with composed(engine) as running:
        yield running


@pytest.fixture
def blog(container: Started) -> Site:
    return Site(container, "blog.example.org", PORT)


# However it is started


def test_answers_as_the_unprivileged_user(container: Started, blog: Site) -> None:
    assert blog.whoami()["user"] == "blog"
    pids = container.processes()
    assert len(pids) >= 4
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.M), status
        assert re.search(r"^CapPrm:\t0{16}$", status, re.M), status
        assert re.search(r"^NoNewPrivs:\t1$", status, re.M), status


def test_health_check(image: Dockerfile, container: Started, blog: Site) -> None:
    answer = container.run(image.healthcheck())
    assert answer.returncode == 0, answer.stderr
    elsewhere = [word.replace(str(PORT), "8001") for word in image.healthcheck()]
    assert container.run(elsewhere).returncode != 0


def test_only_tmp_can_be_written_to(container: Started) -> None:
    assert container.run(["touch", "/tmp/written"]).returncode == 0
    for place in ("/", "/srv/blog/app", "/srv/blog/venv", "/usr"):
        answer = container.run(["touch", f"{place}/written"])
        assert answer.returncode != 0 and "Read-only file system" in answer.stderr, place


def test_logs_are_on_standard_output(container: Started, blog: Site) -> None:
    blog.get("/logged")
    poll(lambda: '"GET /logged HTTP/1.1" 200' in container.output(), "the request is logged")
    assert "resuming normal operations" in container.output()


def test_stop_lets_a_request_finish(container: Started, blog: Site) -> None:
    with begin_upload(blog) as connection:
        container.stop()
        poll(lambda: not container.accepts(PORT), "the port is closed")
        connection.send(b"ab")
        response = connection.read_response("POST")
    assert response.complete and response.json()["body"] == 2
    assert container.wait() == 0, container.output()


def test_stop_ends_an_idle_container(container: Started, blog: Site) -> None:
    assert blog.get("/health").body == b"ok\n"
    container.stop()
    assert container.wait() == 0, container.output()


# What an engine does


def test_image_has_a_health_check(running: Running) -> None:
    running.engine.podman("healthcheck", "run", running.name)
    assert running.facts()["State"]["Health"]["Status"] == "healthy"


def test_image_has_no_compiler(running: Running) -> None:
    for name in ("cc", "cargo", "rustc", "make", "cmake"):
        assert running.run(["sh", "-c", f"command -v {name}"]).returncode != 0, name
    assert running.run(["sh", "-c", "command -v mod_wsgi-express"]).returncode == 0


def test_memory_is_limited(running: Running) -> None:
    blog = Site(running, "blog.example.org", PORT)
    before = blog.whoami()
    greedy = ["python", "-c", f"print(len(b'x' * {4 * RESERVED}))"]
    assert running.run(greedy).returncode == 128 + 9
    modest = ["python", "-c", f"print(len(b'x' * {RESERVED // 4}))"]
    assert running.run(modest).stdout == f"{RESERVED // 4}\n"
    assert blog.whoami()["user"] == before["user"]


def test_processors_are_limited(running: Running) -> None:
    """Two of them in each period, by the names that both versions of control groups have."""
    script = "cat /sys/fs/cgroup/cpu.max || cat /sys/fs/cgroup/cpu/cpu.cfs_{quota,period}_us"
    quota, period = map(int, running.run(["bash", "-c", script]).stdout.split())
    assert quota == 2 * period


def test_several_containers(engine: Engine) -> None:
    """Each has a port of its own, which the engine chooses."""
    engine.compose("up", "--detach", "--no-build", "--scale", "blog=3", PUBLISH="")
    try:
        answers = [engine.podman("port", f"blog_blog_{n}", str(PORT)) for n in (1, 2, 3)]
        ports = [int(answer.rpartition(":")[2]) for answer in answers]
        assert len(set(ports)) == 3
        for port in ports:
            poll(lambda port=port: engine.accepts(port), f"port {port} accepts connections", 30.0)
            assert Site(engine, "blog.example.org", port).whoami()["site"] == "blog"
        # One of them goes, and the others stay.
        engine.podman("stop", "blog_blog_2")
        assert not engine.accepts(ports[1])
        assert Site(engine, "blog.example.org", ports[0]).get("/health").status == 200
        assert Site(engine, "blog.example.org", ports[2]).get("/health").status == 200
    finally:
        # `down` alone forgets what `--scale` has added.
        engine.podman("rm", "--all", "--force")
        engine.compose("down", PUBLISH="")


def test_pod_of_the_manifests(engine: Engine) -> None:
    """With the restrictions of the manifests, as far as an engine alone knows of these."""
    manifests = FILES / "kubernetes.yaml"
    documents = {each["kind"]: each for each in yaml.safe_load_all(manifests.read_text())}
    described = documents["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    engine.podman("tag", "localhost/blog", described["image"])
    engine.podman("kube", "play", manifests)
    try:
        pod = Running(engine, "blog-pod-0-blog")
        poll(lambda: pod.accepts(PORT), "the pod accepts connections", 30.0)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            request = described[probe]["httpGet"]
            assert Site(pod, "10.0.0.1", PORT).get(request["path"]).status == 200
        assert pod.run(["touch", "/tmp/written"]).returncode == 0
        assert pod.run(["touch", "/srv/blog/written"]).returncode != 0
        status = Path(f"/proc/{pod.processes()[0]}/status").read_text()
        for line in (r"Uid:\t10001\t.*", r"CapBnd:\t0{16}", r"NoNewPrivs:\t1", r"Seccomp:\t2"):
            assert re.search(f"^{line}$", status, re.M), status
        pod.stop()
        assert pod.wait() == 0
    finally:
        engine.podman("kube", "play", "--down", manifests)
