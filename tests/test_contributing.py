"""CONTRIBUTING.md leads to files, classes and functions that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^\d\. .*$", TEXT, re.MULTILINE)


def test_each_walk_has_five_steps() -> None:
    assert len(STEPS) == 15


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:exporter|dashboards|tests)/[\w/.-]+)`", TEXT))))
def test_each_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z]\w*(?:\.\w+)?)(?:\([\w, ]*\))?`", "\n".join(STEPS)))))
def test_each_name_is_defined_in_a_file_that_the_walks_lead_to(name: str) -> None:
    paths = {*re.findall(r"`(exporter/[\w/]+\.py)`", TEXT), "exporter/runtime/publisher.py"}
    code = "\n".join((ROOT / path).read_text(encoding="utf-8") for path in paths)
    for part in name.split("."):
        assert re.search(rf"^\s*(?:class|(?:async )?def) {part}\b", code, re.MULTILINE), part


def test_each_make_target_exists() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for name in re.findall(r"`make ([a-z-]+)", TEXT):
        assert name in targets, name


def test_each_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 2)])
def test_make_says_what_it_cannot_build_without_go_and_fails_in_ci(tmp_path: Path, ci: str, code: int) -> None:
    for name in ("id", "ls", "tail"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    command = [shutil.which("make") or "make", "programs", "PROGRAMS=", f"VENV={tmp_path}"]
    environ = {**os.environ, "PATH": str(tmp_path), "CI": ci}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert "not built: kubeconform kustomize (they need Go)" in done.stdout
    assert done.returncode == code
