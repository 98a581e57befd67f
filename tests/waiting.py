"""Waiting for a condition. No test asserts how long something takes; the limit only ends tests that hang."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT = 900.0
"""Seconds after which anything that a test waits for counts as hung. It allows for a machine under heavy load."""


def until(condition: Callable[[], object]) -> None:
    """Returns once the condition is true, which is checked ever less often, up to once a second."""
    deadline = time.monotonic() + LIMIT
    pause = 0.02
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)
