"""Programs that tests run but the project does not bring: promtool, prometheus, databases, browsers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def program(name: str, *paths: str) -> Path:
    """The path of a program, from PATH or else from `paths`; skips the test if it is not installed."""
    found = shutil.which(name) or next((path for path in paths if Path(path).exists()), None)
    if found is None:
        skip(f"{name} is not on PATH: install it to run this test (make programs)")
    return Path(found)


def skip(reason: str) -> NoReturn:
    """Skips the test with the reason; fails it if `CI` is set, so that CI skips nothing."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def shared(*parts: str) -> Path:
    """A file for extra tests, from the folder `shared` beside the project; skips the test if it is not there."""
    folder = Path(__file__).parents[1].parent / "shared"
    path = folder.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"an extra that needs {path.relative_to(folder.parent)} beside the project")
    return path
