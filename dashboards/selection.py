"""Which KPIs a query is about, and the instant at which it reads their series.

Stored history has one sample an hour for the last 90 days and one a day before. A query over time bridges both: it
takes the last sample of two hours, and looks back further only where no KPI has a sample in that time. So a value that
ended stays ended in hourly history, and a chart has a point at every step, in zones with a half hour as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from dashboards.promql import Matcher, aggregate, equals, select
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import SCOPE_LABELS, Family, scoped

_HOURLY, _DAILY = "2h", "26h"
"""Longer than the steps of stored history: an hour, and a day, which has 25 hours when daylight saving time ends."""
TIME_RANGE_END = "${__to:date:seconds}"
"""The right edge of the time range. PromQL's `end()` is the last step, which may be hours before it."""
LAST_STEP = f"vector(time()) > {TIME_RANGE_END} - $__interval_ms / 1000"
"""A series at the last step of a range query alone."""


class Reading(Enum):
    """The instants at which a query reads its series."""

    NOW = "now"
    """The evaluation's own instant, for instant queries."""
    AT_END = "at end"
    """The right edge of the time range, for what must not change along a range query, such as order and title."""
    WEEK_AGO = "week ago"
    """Seven days before the evaluation's own instant, for instant queries about what changed."""
    OVER_TIME = "over time"
    """Each step of a range query, bridging the steps of stored history."""


def bridged(selector: str) -> str:
    """The selected series at each step of a range query, whatever the distance of their samples."""
    hourly = f"last_over_time({select(naming.STATUS, equals('status', Status.NO_DATA))}[{_HOURLY}])"
    recent, older = (f"last_over_time({selector}[{window}])" for window in (_HOURLY, _DAILY))
    return f"({recent} or {older} unless on () group({hourly}))"


def up_to_the_end(past: str, present: str) -> str:
    """`past` at each step of a range query, but at the last one `present`: the right edge of the time range.

    So a tile with a sparkline shows the same number as the tables beside it, however far apart its steps are.
    """
    return f"({past}) unless on () ({LAST_STEP}) or ({present}) and on () ({LAST_STEP})"


@dataclass(frozen=True, slots=True)
class Selection:
    """KPIs at a scope. `matchers` match labels of the KPI families, `where` those of `kpi_info`.

    `worst` limits the selection to that many KPIs furthest behind plan; None is all. `where` and `worst` need queries
    whose results have the label `kpi`.
    """

    scope: Scope = Scope.COMPANY
    matchers: tuple[Matcher, ...] = ()
    where: tuple[Matcher, ...] = ()
    worst: int | None = None
    reading: Reading = Reading.NOW

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that identify one value of the selection."""
        return ("kpi", *SCOPE_LABELS[self.scope])

    @property
    def at_end(self) -> Selection:
        """The same KPIs, read at the right edge of the time range; instant queries read NOW, which is the same."""
        if self.reading in (Reading.NOW, Reading.WEEK_AGO):
            return replace(self, reading=Reading.NOW)
        return replace(self, reading=Reading.AT_END)

    @property
    def over_time(self) -> Selection:
        """The same KPIs, read at each step of a range query."""
        return replace(self, reading=Reading.OVER_TIME)

    @property
    def week_ago(self) -> Selection:
        """The same KPIs, read seven days before. Titles and the like are read now."""
        return replace(self, reading=Reading.WEEK_AGO)

    @property
    def everything(self) -> Selection:
        """The same scope and labels, without the limits `where` and `worst`."""
        return replace(self, where=(), worst=None)

    def series(self, family: Family, *matchers: Matcher) -> str:
        """The series of a KPI family, from every replica."""
        return self.read(select(scoped(family, self.scope), *self.matchers, *matchers))

    def latest(self, family: Family, *matchers: Matcher) -> str:
        """One value for each KPI, team and person, whichever replica exposes it."""
        return aggregate("max", self.series(family, *matchers), self.labels)

    def read(self, selector: str) -> str:
        """Any selector, read as the selection is."""
        if self.reading is Reading.OVER_TIME:
            return bridged(selector)
        if self.reading is Reading.WEEK_AGO:
            return f"last_over_time({selector}[{_HOURLY}] offset 7d)"
        return selector + (f" @ {TIME_RANGE_END}" if self.reading is Reading.AT_END else "")
