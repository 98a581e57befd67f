"""Which periods are final: they are over, settled, and their sources are complete past their end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from exporter.config.expression import metrics_of
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar, DateSpan, period_name, previous_period
from exporter.kpi.plan import people_known
from exporter.kpi.values import Freshness

_DAY = timedelta(days=1)


class PastPeriod(NamedTuple):
    """One period of a KPI."""

    kpi: str
    name: str
    span: DateSpan


def newest(periods: Iterable[PastPeriod], most_spans: int) -> list[PastPeriod]:
    """The periods that end last, newest first, with at most so many different spans of dates."""
    by_end = sorted(periods, key=lambda period: period.span.until, reverse=True)
    spans = set(list(dict.fromkeys(period.span for period in by_end))[:most_spans])
    return [period for period in by_end if period.span in spans]


@dataclass(frozen=True, slots=True)
class FinalPeriods:
    """The final periods of a config's KPIs.

    A KPI with a guard of the same length of period waits for the guard's sources, too. A period of teams or people
    waits until the people were read once.
    """

    config: Config
    calendar: Calendar

    def latest(self, kpi: Kpi, freshness: Mapping[str, Freshness], now: datetime, oldest: datetime) -> DateSpan | None:
        """The newest period that is final at `now`; None if there is none that ends after `oldest`."""
        span = previous_period(kpi.period, self.calendar.period_of(kpi.period, now))
        if any(freshness[name].complete_until is None for name in self._metrics(kpi, span)):
            return None
        while (end := self.calendar.start_of(span.until)) > oldest:
            if self.is_settled(span, now) and self.is_complete(kpi, span, end, freshness):
                return span
            span = previous_period(kpi.period, span)
        return None

    def back_from(self, kpi: Kpi, span: DateSpan, oldest: datetime) -> Iterator[PastPeriod]:
        """A period and those before it that end after `oldest`, newest first."""
        while self.calendar.start_of(span.until) > oldest:
            yield self.named(kpi, span)
            span = previous_period(kpi.period, span)

    def named(self, kpi: Kpi, span: DateSpan) -> PastPeriod:
        """The period with its name."""
        return PastPeriod(kpi.name, period_name(kpi.period, span, self.config.company.fiscal_month), span)

    def settled_on(self, span: DateSpan) -> date:
        """The day before which the workdays of settling have passed since the end."""
        return self.calendar.after_workdays(span.until, self.config.history.settling)

    def is_settled(self, span: DateSpan, now: datetime) -> bool:
        """True once the workdays of settling have passed after the end."""
        return self.calendar.start_of(self.settled_on(span)) <= now

    def is_complete(self, kpi: Kpi, span: DateSpan, end: datetime, freshness: Mapping[str, Freshness]) -> bool:
        """True if all sources of the KPI and of its guard are complete up to the end."""
        if set(kpi.scopes) != {Scope.COMPANY} and not people_known(freshness):
            return False
        horizons = [freshness[name].complete_until for name in self._metrics(kpi, span)]
        return all(horizon is not None and horizon >= end for horizon in horizons)

    def watermark(self, period: PastPeriod, freshness: Mapping[str, Freshness]) -> datetime:
        """The instant up to which all sources of a complete period are complete."""
        kpi = self.config.kpi_by_name[period.kpi]
        horizons = (freshness[name].complete_until for name in self._metrics(kpi, period.span))
        return min(horizon for horizon in horizons if horizon is not None)

    def _metrics(self, kpi: Kpi, span: DateSpan) -> set[str]:
        guard = self.config.final_guard(kpi)
        kpis = [kpi] if guard is None else [kpi, guard]
        return {name for each in kpis for name in metrics_of(each.formulas.on(span.until - _DAY))}
