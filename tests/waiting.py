"""Waiting for a condition. No test asserts how long something takes; the limit only ends tests that hang."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT = 900.0
"""Seconds after which whatever a test waits for counts as hung. It allows for a machine under heavy load."""


def until(condition: Callable[[], object]) -> None:
    """Returns once the condition is true; it is checked ever less often, down to twice a second."""
    deadline = time.monotonic() + LIMIT
    pause = 0.02
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
