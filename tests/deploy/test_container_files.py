"""docs/deploy/container.md: what the files say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose
from container import Dockerfile
from server import REPOSITORY

FILES = REPOSITORY / "examples/deploy/container"
HADOLINT = Path(sys.executable).with_name("hadolint")
PORT = 8000


@pytest.fixture(scope="module")
def image() -> Dockerfile:
    return Dockerfile(FILES / "Dockerfile")


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


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


@pytest.mark.parametrize("publish", [r"\1", ""], ids=["one container", "several"])
def test_compose_file_is_valid(publish: str) -> None:
    text = re.sub(r"\$\{PUBLISH-(.*?)\}", publish, (FILES / "compose.yaml").read_text())
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
