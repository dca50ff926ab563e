"""docs/deploy/container.md: the files, and what they start, without a container engine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import process
import pytest
import yaml
from answer import Site, begin_upload
from compose_spec import PyCompose
from container import Container, Dockerfile
from server import REPOSITORY
from waiting import poll

FILES = REPOSITORY / "examples/deploy/container"
HADOLINT = Path(sys.executable).with_name("hadolint")
PORT = 8000


@pytest.fixture(scope="module")
def image() -> Dockerfile:
    return Dockerfile(FILES / "Dockerfile")


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load((FILES / "compose.yaml").read_text())["services"][
        "blog"
    ]
    return service


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


@pytest.fixture
def container(image: Dockerfile, service: dict[str, Any], sites: Path) -> Iterator[Container]:
    with Container(image, service, sites) as container:
        yield container


@pytest.fixture
def blog(container: Container) -> Site:
    return Site(container, "blog.example.org", PORT)


# The files


def test_dockerfile_has_no_findings() -> None:
    # DL3008 wants versions of Debian's packages, which vanish from the archive with each update.
    answer = subprocess.run(
        [HADOLINT, "--ignore=DL3008", FILES / "Dockerfile"], capture_output=True, text=True
    )
    assert (answer.returncode, answer.stdout) == (0, "")


def test_first_stage_installs_what_a_build_needs(image: Dockerfile) -> None:
    bootstrap = (REPOSITORY / "scripts/bootstrap").read_text()
    needed = re.search(r"^build_packages='(.*)'$", bootstrap, re.M)
    assert needed and image.packages(1) == set(needed[1].split())


def test_rust_is_new_enough(image: Dockerfile) -> None:
    bootstrap = (REPOSITORY / "scripts/bootstrap").read_text()
    minimum = re.search(r"^minimum_minor=(\d+)$", bootstrap, re.M)
    version = re.match(r"rust:1\.(\d+)-", image.stages[0])
    assert minimum and version and int(version[1]) >= int(minimum[1])


def test_last_stage_has_no_compiler(image: Dockerfile) -> None:
    assert image.packages(2) == {"apache2-bin", "dumb-init"}


def test_compose_file_is_valid() -> None:
    text = (FILES / "compose.yaml").read_text()
    PyCompose.from_yaml(text).validate()
    with pytest.raises(ValueError, match="duration `soon`"):
        PyCompose.from_yaml(text.replace("stop_grace_period: 30s", "stop_grace_period: soon"))


@pytest.mark.parametrize(
    "kind", ["Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"]
)
def test_manifest_is_valid(manifests: dict[str, dict[str, Any]], kind: str) -> None:
    document = manifests[kind]
    version = kubernetes_validate.latest_version()
    kubernetes_validate.validate(document, version, strict=True)
    document = document | {"spec": document["spec"] | {"unknown": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, version, strict=True)


def test_manifests_agree_with_the_image_and_each_other(
    image: Dockerfile, manifests: dict[str, dict[str, Any]]
) -> None:
    deployment = manifests["Deployment"]["spec"]
    pod = deployment["template"]
    labels = pod["metadata"]["labels"]
    container = pod["spec"]["containers"][0]
    assert str(pod["spec"]["securityContext"]["runAsUser"]) == image.value("USER")
    assert container["ports"][0]["containerPort"] == int(image.value("EXPOSE")) == PORT
    for selector in (
        deployment["selector"]["matchLabels"],
        manifests["Service"]["spec"]["selector"],
        manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector == labels
    scaled = manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert scaled["name"] == manifests["Deployment"]["metadata"]["name"]
    assert "replicas" not in deployment


# What is started


def test_answers_as_the_unprivileged_user(container: Container, blog: Site) -> None:
    assert blog.whoami()["user"] == "blog"
    pids = [container.init, *process.descendants(container.init)]
    assert len(pids) >= 4
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.M), status
        assert re.search(r"^CapPrm:\t0{16}$", status, re.M), status
        assert re.search(r"^NoNewPrivs:\t1$", status, re.M), status


def test_health_check(image: Dockerfile, container: Container, blog: Site) -> None:
    answer = container.run(image.healthcheck())
    assert answer.returncode == 0, answer.stderr
    elsewhere = [word.replace(str(PORT), "8001") for word in image.healthcheck()]
    assert container.run(elsewhere).returncode != 0


def test_logs_are_on_standard_output(container: Container, blog: Site) -> None:
    blog.get("/logged")
    poll(lambda: '"GET /logged HTTP/1.1" 200' in container.output(), "the request is logged")
    assert "resuming normal operations" in container.output()


def test_sigterm_lets_a_request_finish(container: Container, blog: Site) -> None:
    with begin_upload(blog) as connection:
        os.kill(container.init, signal.SIGTERM)
        poll(lambda: not container.accepts(PORT), "the port is closed")
        connection.send(b"ab")
        response = connection.read_response("POST")
    assert response.complete and response.json()["body"] == 2
    assert container.wait() == 0, container.output()


def test_sigterm_ends_an_idle_container(container: Container, blog: Site) -> None:
    assert blog.get("/health").body == b"ok\n"
    os.kill(container.init, signal.SIGTERM)
    assert container.wait() == 0, container.output()
