"""The last look at each sealed period, and which periods to look at again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.ledger.digests import Digests, digests
from exporter.ledger.periods import FinalPeriods, PastPeriod, newest
from exporter.ledger.view import StoreView
from exporter.seals import PeriodLook

LOOK_INTERVAL = timedelta(hours=1)
"""A period is compared with its records at most this often, but the last one of a KPI after every change."""

_NEVER = datetime.max.replace(tzinfo=UTC)


class LookBook:
    """The looks at the periods of one config, as stored; those that found nothing to compare are newer in memory."""

    def __init__(self, config: Config, final: FinalPeriods) -> None:
        self._config = config
        self._final = final
        self._looks: dict[tuple[str, str], PeriodLook] = {}
        self._periods: dict[tuple[str, str], PastPeriod | None] = {}
        self._digests: dict[PastPeriod, Digests] = {}
        self._entities = {kpi.name: _entities(config, kpi) for kpi in config.kpis}
        self._newest: dict[str, datetime] = {}
        self._versions: Mapping[str, int] = {}
        self._next_at = datetime.min.replace(tzinfo=UTC)

    def replace_all(self, looks: Iterable[PeriodLook]) -> None:
        """Starts again from the stored looks."""
        self._looks.clear()
        self._newest.clear()
        self._versions = {}
        self.record(looks)

    def record(self, looks: Iterable[PeriodLook]) -> None:
        """Adds or replaces looks."""
        for look in looks:
            self._looks[look.kpi, look.period] = look
            self._newest[look.kpi] = max(look.start, self._newest.get(look.kpi, look.start))
        self._next_at = datetime.min.replace(tzinfo=UTC)

    def postpone(self, periods: Iterable[PastPeriod], now: datetime) -> None:
        """Leaves periods alone for a while without having compared them."""
        for period in periods:
            look = self._looks[period.kpi, period.name]
            self._looks[period.kpi, period.name] = replace(look, looked_at=now)
            self._next_at = min(self._next_at, now + LOOK_INTERVAL)

    def is_sealed(self, period: PastPeriod) -> bool:
        """True if the period has seals."""
        return (period.kpi, period.name) in self._looks

    def look(self, period: PastPeriod) -> PeriodLook:
        """The last look at a sealed period."""
        return self._looks[period.kpi, period.name]

    def look_now(self, period: PastPeriod, view: StoreView) -> PeriodLook:
        """A look at a period as of a view of the store."""
        calendar, current = self._final.calendar, self.digests(period)
        return PeriodLook(
            period.kpi,
            period.name,
            calendar.start_of(period.span.first),
            calendar.start_of(period.span.until),
            current.definition,
            current.target,
            view.commits,
            view.known_until(self._entities[period.kpi]),
            view.now,
        )

    def digests(self, period: PastPeriod) -> Digests:
        """What the period rests on by the config."""
        if period not in self._digests:
            self._digests[period] = digests(self._config, self._config.kpi_by_name[period.kpi], period.span)
        return self._digests[period]

    def people_changed(self, period: PastPeriod, view: StoreView) -> bool:
        """True if a KPI of teams or people may have changed because people did."""
        if "people" not in self._entities[period.kpi]:
            return False
        return view.versions.get("people", 0) > self.look(period).commits

    def outdated(self, view: StoreView, most_spans: int) -> list[PastPeriod]:
        """The periods to look at, newest first, with at most so many spans of dates.

        Their records, or what they rest on in the config, changed since the last look. Older periods wait for their
        hour. Periods beyond the retention of versions are final for good: nobody knows any more what their rows were.
        """
        if view.versions == self._versions and view.now < self._next_at:
            return []
        self._versions, self._next_at = view.versions, _NEVER
        oldest = view.now - self._config.history.retention
        periods = []
        for key, look in self._looks.items():
            period = self._period(key, look)
            if period is None or look.end <= oldest or not self._is_outdated(period, look, view):
                continue
            due_at = look.looked_at + LOOK_INTERVAL
            if look.start == self._newest[look.kpi] or due_at <= view.now:
                periods.append(period)
            else:
                self._next_at = min(self._next_at, due_at)
        chosen = newest(periods, most_spans)
        if len(chosen) < len(periods):
            self._next_at = view.now
        return chosen

    def _is_outdated(self, period: PastPeriod, look: PeriodLook, view: StoreView) -> bool:
        if any(view.versions.get(entity, 0) > look.commits for entity in self._entities[period.kpi]):
            return True
        return self.digests(period) != (look.definition_digest, look.target_digest)

    def _period(self, key: tuple[str, str], look: PeriodLook) -> PastPeriod | None:
        """The sealed period in today's config; None without the KPI, or if its periods have other bounds now."""
        if key not in self._periods:
            kpi = self._config.kpi_by_name.get(look.kpi)
            self._periods[key] = None if kpi is None else self._same_period(kpi, look)
        return self._periods[key]

    def _same_period(self, kpi: Kpi, look: PeriodLook) -> PastPeriod | None:
        calendar = self._final.calendar
        period = self._final.named(kpi, calendar.period_of(kpi.period, look.start))
        bounds = calendar.start_of(period.span.first), calendar.start_of(period.span.until)
        return period if (period.name, *bounds) == (look.period, look.start, look.end) else None


def _entities(config: Config, kpi: Kpi) -> tuple[str, ...]:
    """The entities on whose records a KPI rests, those of its guard included."""
    guard = config.final_guard(kpi)
    kpis = [kpi] if guard is None else [kpi, guard]
    entities = {config.metric_by_name[name].entity: None for each in kpis for name in each.metrics}
    if set(kpi.scopes) != {Scope.COMPANY}:
        entities["people"] = None
    return tuple(entities)
