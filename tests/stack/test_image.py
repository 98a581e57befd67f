"""The image of the exporter: its contents, its user and its size."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

from tests.stack.engine import Engine
from tests.stack.project import ROOT, Begin, services

pytestmark = pytest.mark.stack

LARGEST = 300_000_000


@pytest.fixture
def image(begin: Begin) -> str:
    """Its name, once it is built."""
    return str(services()["pod"]["image"])


def test_the_image_is_small_and_runs_as_an_unprivileged_user(docker: Engine, image: str) -> None:
    (details,) = docker.inspect(image)
    assert details["Config"]["User"] == "65532:65532"
    assert details["Size"] < LARGEST, f"{details['Size'] / 1e6:.0f} MB"
    assert details["Config"]["Entrypoint"] == ["kpi-exporter"]


def one_way(name: str) -> str:
    """A name as packages may be written in several ways."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_exactly_the_locked_packages_are_installed(docker: Engine, image: str) -> None:
    script = "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()))"
    run = ("run", "--rm", "--network=none", "--entrypoint=/opt/kpi-exporter/bin/python3", image, "-c", script)
    installed = {one_way(name) for name in docker.docker(*run).split()}
    locked = (ROOT / "requirements.lock").read_text()
    pinned = {one_way(name) for name in re.findall(r"^([\w.-]+==[^\s;]+)", locked, re.MULTILINE)}
    expected = {one_way(f"kpi-exporter=={version('kpi-exporter')}")}
    assert expected <= installed
    assert installed - expected <= pinned, "nothing else: no pip, no build tools"
    assert {"duckdb", "httpx", "pydantic", "grafanalib"} <= {name.partition("==")[0] for name in installed}


def test_a_package_whose_hash_is_not_the_locked_one_stops_the_build(docker: Engine, begin: Begin) -> None:
    project = begin()
    lock = project.folder / "requirements.lock"
    first = next(line for line in lock.read_text().splitlines() if not line.startswith("#"))
    wrong = f"{first}\n    --hash=sha256:{'0' * 64}\n"
    lock.write_text(wrong)
    build = ("docker", "build", "--file", "exporter/Dockerfile", ".")
    process = docker.run(*build, cwd=project.folder, check=False, timeout=300)
    assert process.returncode != 0
    assert "DO NOT MATCH THE HASHES" in process.stdout + process.stderr


def test_the_image_contains_no_tests_caches_or_repository_files(docker: Engine, image: str) -> None:
    looked = ("/opt", "/app", "/root", "/tmp", "/build")
    names = ("-name", ".git", "-o", "-name", "tests", "-o", "-name", ".cache", "-o", "-name", "pip")
    run = ("docker", "run", "--rm", "--network=none", "--user=0:0", "--entrypoint=find", image, *looked, *names)
    process = docker.run(*run, check=False)
    assert process.stdout == ""
    assert "/build" in process.stderr, "what was built there stayed behind"
