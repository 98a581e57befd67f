"""Questions about metrics and their answers, and how instants are written for the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exporter.config.fields import Period, Scope
from exporter.metrics.runs import Runs

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


class Window(NamedTuple):
    """Instants [start, end) in UTC. A flow is measured over the window, a level at its end.

    This, questions, groups and numbers are tuples, because a history hashes and creates millions of them.
    """

    start: datetime
    end: datetime


class Question(NamedTuple):
    """One metric over one window at one scope. `by` adds the metric's own labels."""

    metric: str
    window: Window
    scope: Scope = Scope.COMPANY
    by: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class StepWindows:
    """One window for each step of a part of a history; starts and ends ascend, equal neighbours are allowed.

    Compared by identity: a part has few of them, which many questions share.
    """

    windows: Sequence[Window]


class ColumnQuestion(NamedTuple):
    """One metric over the window of each step at one scope. `by` adds the metric's own labels."""

    metric: str
    steps: StepWindows
    scope: Scope = Scope.COMPANY
    by: bool = False


class Group(NamedTuple):
    """What a value is about: the company (neither team nor person), a team or a person, and the values of `by`."""

    team: str | None = None
    person: str | None = None
    labels: tuple[str, ...] = ()


class MeasuredValue(NamedTuple):
    """The number of one group.

    `value` is None if it is unknown, such as a mean over no rows; a count or sum over no rows is a true 0. `rows`
    is the number of rows it rests on, `held_out` the number of rows left out because no exchange rate is known.
    """

    value: float | None
    rows: int = 0
    held_out: int = 0


GroupValues = Mapping[Group, MeasuredValue]
"""What one metric measured, by group."""

Answers = Mapping[Question, GroupValues]
"""For each question the groups with at least one row of the entity in the window; always the company."""


GroupRuns = Mapping[Group, Runs[MeasuredValue]]
"""What one metric measured at the steps of a history, by group."""

Columns = Mapping[ColumnQuestion, GroupRuns]
"""For each question the runs of its answers, whose steps are numbered from 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """Who is in which team at an instant. Compared by identity, so that it can be used as a cache key.

    `members` are the labels of the active members of each team, by its name in lower case; teams without any are
    left out. `label_of` finds a person by id, email or name: their label, the text itself if nobody is listed under
    it, and None if several are.
    """

    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    label_of: Callable[[str], str | None] = str


NOBODY = Roster()
"""A company whose teams and people nobody lists."""

RosterAt = Callable[[datetime], Roster]
"""The roster at an instant; the same object as long as nobody changes team."""


def nobody_at(_: datetime) -> Roster:
    """The roster of a company whose teams and people nobody lists."""
    return NOBODY


class MetricValue(NamedTuple):
    """One sample of a business metric. `period` is None for a level; `labels` pairs label names with values.

    A tuple, because a backfill creates millions of them.
    """

    metric: str
    scope: Scope
    period: Period | None
    value: float
    team: str | None = None
    person: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


def stored(instant: datetime) -> datetime:
    """An aware instant as the store keeps it: naive, in UTC."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The start of a local day in UTC: the first valid instant if midnight is skipped, the first if it occurs twice."""
    if day in (date.min, date.max):
        return FIRST if day == date.min else LAST
    return datetime.combine(day, time.min, zone).astimezone(UTC)
