"""What is asked of the metrics and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from exporter.config.fields import Period, Scope


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open span of instants in UTC. A flow is taken over it, a level is read at its end."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """One metric over one window at one scope. `by` asks for the metric's extra labels."""

    metric: str
    window: Window
    scope: Scope = Scope.COMPANY
    by: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Whose value: nobody's in particular (company), a team's or a person's, and the values of `by`."""

    team: str | None = None
    person: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """The number of one group.

    `value` is None where it is unknown (a mean over no rows); a count or sum over no rows is a true 0.
    `rows` is the number of rows it rests on, `held_out` the number of rows left out for want of a rate.
    """

    value: float | None
    rows: int = 0
    held_out: int = 0


Answers = Mapping[Question, Mapping[Group, Measured]]
"""For each question the groups that had at least one row of the entity in the window (company: always)."""


class MetricValue(NamedTuple):
    """One sample of a business metric. `period` is None for a level; `labels` pairs label names with values.

    A tuple, because a history makes millions of them.
    """

    metric: str
    scope: Scope
    period: Period | None
    value: float
    team: str | None = None
    person: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
