"""Waiting for programs that take their time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 180.0


def until(condition: Callable[[], object]) -> None:
    """Comes back once it is true, and fails where it never is."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(1)
