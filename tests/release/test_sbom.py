"""The bill of materials lists what the lock pins for the image, no more and no less."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from exporter import __version__
from tests.release.tools import ROOT, make, release_tool

LOCK = ROOT / "requirements.lock"
PARTS = (
    "exporter", "dashboards", "tests", "pyproject.toml", "README.md", "LICENSE", "Makefile",
    "requirements.lock", "requirements-build.lock", "requirements-release.lock",
)  # fmt: skip


def locked() -> Iterator[tuple[str, str]]:
    """Name and version of each requirement that applies on this platform."""
    for line in re.findall(r"^([\w.\[\]-]+==[^\\\n]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate():
            yield normalised(requirement.name), str(requirement.specifier).removeprefix("==")


def normalised(name: str) -> str:
    """A name as packages may be written in several ways."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What `make sbom` writes in a project where nothing was built before."""
    release_tool("cyclonedx-py")
    project = tmp_path_factory.mktemp("project")
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    (project / ".venv-release").symlink_to(ROOT / ".venv-release")
    make("sbom", cwd=project)
    (path,) = (project / "dist").glob("*.cdx.json")
    content: dict[str, object] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content


def components(bill: dict[str, object]) -> set[tuple[str, str]]:
    found = bill["components"]
    assert isinstance(found, list)
    return {(normalised(component["name"]), component["version"]) for component in found}


def test_it_is_a_cyclonedx_document_about_the_exporter(bill: dict[str, object]) -> None:
    assert bill["bomFormat"] == "CycloneDX"
    metadata = bill["metadata"]
    assert isinstance(metadata, dict)
    assert (metadata["component"]["name"], metadata["component"]["version"]) == ("kpi-exporter", __version__)


def test_it_equals_the_lock(bill: dict[str, object]) -> None:
    assert {entry for entry in components(bill) if entry[0] != "kpi-exporter"} == set(locked())
