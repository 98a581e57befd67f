"""The bill of materials lists what the lock pins for the image, no more and no less."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.release.tools import ROOT, make, release_tool

LOCK = ROOT / "requirements.lock"


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
def bill() -> dict[str, object]:
    """What `make sbom` writes."""
    release_tool("cyclonedx-py")
    for old in (ROOT / "dist").glob("*.cdx.json"):
        old.unlink()
    make("sbom")
    (path,) = (ROOT / "dist").glob("*.cdx.json")
    content: dict[str, object] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content


def components(bill: dict[str, object]) -> set[tuple[str, str]]:
    found = bill["components"]
    assert isinstance(found, list)
    return {(normalised(component["name"]), component["version"]) for component in found}


def test_it_is_a_cyclonedx_document_about_the_exporter(bill: dict[str, object]) -> None:
    assert bill["bomFormat"] == "CycloneDX"
    assert '"name": "kpi-exporter"' in json.dumps(bill["metadata"])


def test_it_equals_the_lock(bill: dict[str, object]) -> None:
    assert {entry for entry in components(bill) if entry[0] != "kpi-exporter"} == set(locked())
