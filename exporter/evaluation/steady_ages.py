"""Ages of passes that no jump of the wall clock can hide.

The store dates passes by the wall clock. If that was ahead and returns, a pass seems younger than it is, or lies in the
future, and a source that fails would look fresh. So a pass is never taken to be younger than the time that has passed
on the monotonic clock since it was first seen.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from exporter.clock import CLOCK_JUMP
from exporter.store.state import Outcome

_TOLERANCE = timedelta(seconds=CLOCK_JUMP)

_log = logging.getLogger(__name__)


class SteadyAges:
    """Remembers when it first saw each successful pass. For use in a single thread."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: dict[tuple[str, str], tuple[datetime, float | None]] = {}
        """The stamp of the last success, and the monotonic time at which it happened, if that is known."""

    def bounded(self, outcomes: Iterable[Outcome], now: datetime) -> tuple[Outcome, ...]:
        """The outcomes, none of them fresher than it can be at `now`.

        A success that lies in the future when it is first seen was dated by a clock that was ahead. Its age is unknown,
        so the entity counts as never read until the next success.
        """
        return tuple(self._bounded(outcome, now) for outcome in outcomes)

    def _bounded(self, outcome: Outcome, now: datetime) -> Outcome:
        if outcome.last_success is None:
            return outcome
        succeeded = self._succeeded_at(outcome, outcome.last_success, now)
        if succeeded is None:
            return replace(outcome, last_success=None, last_full=None, watermark=None)
        latest = now - timedelta(seconds=self._monotonic() - succeeded)
        if outcome.last_success - latest <= _TOLERANCE:
            return outcome
        latest = latest.replace(microsecond=0)
        watermark = None if outcome.watermark is None else min(outcome.watermark, latest)
        return replace(outcome, last_success=latest, watermark=watermark)

    def _succeeded_at(self, outcome: Outcome, stamp: datetime, now: datetime) -> float | None:
        """The monotonic time of the success; None if it is not known."""
        key = outcome.source, outcome.entity
        if self._seen.get(key, (None, None))[0] != stamp:
            age = now - stamp
            is_known = age >= -_TOLERANCE
            self._seen[key] = stamp, self._monotonic() - max(age.total_seconds(), 0.0) if is_known else None
            if not is_known:
                _log.warning(
                    "the clock was ahead when %s were last read: their age is unknown until they are read again",
                    outcome.entity,
                    extra={"source": outcome.source},
                )
        return self._seen[key][1]
