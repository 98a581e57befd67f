"""The tools of a release, in an environment of their own that `make .venv-release/ready` fills."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.programs import program

ROOT = Path(__file__).parents[2]


def release_tool(name: str) -> Path:
    """A program of that environment; skips the test without it."""
    return program(f"{name} of .venv-release", str(ROOT / ".venv-release/bin" / name))


def make(target: str, *variables: str, cwd: Path = ROOT) -> str:
    """The output of `make`; fails the test if it fails."""
    done = subprocess.run(["make", target, *variables], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
