"""Programs that tests run but the project does not bring: promtool, prometheus, databases, browsers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def program(name: str, *elsewhere: str) -> Path:
    """The program's path. Without it the test is left out with the reason, and fails where CI is set."""
    found = shutil.which(name) or next((place for place in elsewhere if Path(place).exists()), None)
    if found is None:
        leave_out(f"{name} is not on PATH: install it to run this test (make programs)")
    return Path(found)


def leave_out(reason: str) -> NoReturn:
    """Leaves the test out with the reason, and fails it where CI is set."""
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
