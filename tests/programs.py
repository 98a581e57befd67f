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
    """A file of the shared test input beside the project; left out with the reason where there is none."""
    place = Path(__file__).parents[1].parent / "shared"
    path = place.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path.relative_to(place.parent)} is not beside the project: its data is not part of it")
    return path
