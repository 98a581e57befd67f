"""The instants of a history, and how they are split among processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

WARM_UP = 168
"""Steps that a later share evaluates before its own, so that its statuses start with the right hysteresis."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StepShare:
    """Steps that one process evaluates; the first `warm_up` of them belong to the previous share."""

    steps: tuple[datetime, ...]
    warm_up: int = 0

    @property
    def own(self) -> tuple[datetime, ...]:
        """The steps whose values are written."""
        return self.steps[self.warm_up :]


def floored(instant: datetime, step: timedelta) -> datetime:
    """The last multiple of `step` since 1970 that is not after `instant`, in UTC."""
    return instant.astimezone(UTC) - (instant - _EPOCH) % step


def steps_between(start: datetime, until: datetime, step: timedelta) -> list[datetime]:
    """Every multiple of `step` since 1970 from `start` to `until`, both included, in UTC.

    Grafana's steps are such multiples too, so that its queries hit the samples.
    """
    first = floored(start, step)
    if first < start:
        first += step
    count = (until - first) // step + 1
    return [first + step * number for number in range(max(0, count))]


def month_start(instant: datetime, zone: tzinfo) -> datetime:
    """The first midnight of the local month, in UTC."""
    local = instant.astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone).astimezone(UTC)


def split_steps(steps: Sequence[datetime], shares: int, zone: tzinfo) -> list[StepShare]:
    """Splits steps into at most `shares` shares of about the same size.

    They are split at the start of a month if possible: most periods, and with them most statuses, start there anyway.
    """
    cuts = {0, len(steps)}
    for number in range(1, shares):
        ideal = len(steps) * number // shares
        months = [i for i in range(1, len(steps)) if _month(steps[i], zone) != _month(steps[i - 1], zone)]
        nearest = min(months, key=lambda index: abs(index - ideal), default=ideal)
        cuts.add(nearest if abs(nearest - ideal) <= len(steps) // (8 * shares) else ideal)
    bounds = sorted(cuts)
    return [
        StepShare(tuple(steps[max(0, begin - WARM_UP) : until]), min(begin, WARM_UP))
        for begin, until in pairwise(bounds)
        if until > begin
    ]


def _month(instant: datetime, zone: tzinfo) -> tuple[int, int]:
    local = instant.astimezone(zone)
    return local.year, local.month
