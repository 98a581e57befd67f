"""The wheel of a commit has the same bytes whenever and wherever it is built, from build tools with hashes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from tests.release.tools import ROOT, release_tool

PARTS = ("exporter", "dashboards", "pyproject.toml", "README.md", "LICENSE")
LOCKS = ("requirements.lock", "requirements-tests.lock", "requirements-build.lock", "requirements-release.lock")


def built(folder: Path, modified: int) -> str:
    """The hash of the wheel that is built in a copy of the project whose files are from that instant."""
    folder.mkdir()
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for path in folder.rglob("*"):
        os.utime(path, (modified, modified))
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1764374400"}
    command = [release_tool("python"), "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_two_builds_at_different_times_and_places_have_the_same_bytes(tmp_path: Path) -> None:
    assert built(tmp_path / "one", 1_600_000_000) == built(tmp_path / "another", 1_700_000_000)


def test_every_requirement_of_every_lock_has_hashes() -> None:
    for name in LOCKS:
        text = (ROOT / name).read_text(encoding="utf-8")
        pins = re.findall(r"^[\w.\[\]-]+==[^\n]*\\\n((?: +--hash=sha256:[0-9a-f]{64}[^\n]*\n)+)", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)) > 0, name


def test_the_locked_build_tools_are_those_that_the_project_requires() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "requirements-build.lock").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==([^\s\\]+)", text, re.MULTILINE))
    for requirement in map(Requirement, project["build-system"]["requires"]):
        assert requirement.specifier.contains(pins[requirement.name])


def test_the_image_and_make_install_from_an_index_only_with_hashes() -> None:
    for name in ("exporter/Dockerfile", "Makefile"):
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        installs = re.findall(r"pip (?:install|download) ([^&|\n]*)", text)
        assert len(installs) >= 3, name
        for arguments in installs:
            local = re.search(r"--no-index|--no-build-isolation|\.venv-image/wheel/|tests/bench/peers", arguments)
            assert "--require-hashes" in arguments or local, arguments


def test_an_install_without_an_index_works_from_downloaded_files(tmp_path: Path) -> None:
    pip, lock = release_tool("pip"), ROOT / "requirements-build.lock"
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", lock)
    subprocess.run([pip, "download", *quiet, "-d", tmp_path / "wheels"], check=True)
    offline = ("--no-index", "--find-links", tmp_path / "wheels", "--target", tmp_path / "installed")
    subprocess.run([pip, "install", *quiet, *offline], check=True)
    assert (tmp_path / "installed/hatchling").is_dir()
