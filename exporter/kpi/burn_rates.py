"""How fast KPIs that have to hold all along spend their slack.

The burn rate is the share of events that missed, divided by the share that may: at 1 the slack of a whole period lasts
exactly for that period. A fixed share of the slack, spent within a window, is the burn rate

    limit = share * opening time of the period / opening time of the window

as in chapter 5 of Google's Site Reliability Workbook ("Alerting on SLOs", multiwindow, multi-burn-rate), with opening
hours in the place of hours. A short window of a twelfth has to exceed the limit as well, so that the alert ends soon
after its cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from exporter.config.fields import Better, Scope, duration_text
from exporter.config.kpis import Kpi
from exporter.kpi.calendar import Calendar, DateSpan
from exporter.kpi.opening_time import last_opening_time, opening_time
from exporter.kpi.plan import KpiPeriod
from exporter.kpi.signals import BurnRate
from exporter.kpi.values import KpiValue
from exporter.metrics.values import Answers, Group, Question

_COMPANY = Group()


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """One window of a KPI: its name, what to ask about it, and the share of the slack that is its limit, if any.

    `allowance` is the period's opening time in windows, so that a burn rate divided by it is the share of the slack
    that was spent in the window.
    """

    period: KpiPeriod
    name: str
    questions: tuple[Question, ...]
    allowance: float
    limit: float | None = None


class BurnRates:
    """The windows of KPIs whose alerts have rules about slack."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._opening_times: dict[DateSpan, timedelta] = {}

    def windows(self, periods: Iterable[KpiPeriod]) -> tuple[BurnWindow, ...]:
        """The windows to ask about at the instants of these KPIs, as of which their data is known.

        There are none of a KPI whose data is too old, or was never read completely, and none in a period in which the
        company does not open, as there is no slack to spend.
        """
        return tuple(window for period in periods if period.withheld is None for window in self._windows(period))

    def _windows(self, period: KpiPeriod) -> Iterator[BurnWindow]:
        alerts, progress = period.plan.kpi.alerts, period.progress
        limits: dict[timedelta, float | None] = {}
        for rule in alerts.slack if alerts is not None else ():
            long, short = rule.windows
            limits.setdefault(short, None)
            limits[long] = rule.spent
        for length, spent in limits.items():
            if allowance := self._opening_time(progress.span) / length:
                window = last_opening_time(self._calendar, progress.as_of, length)
                questions = tuple(Question(name, window) for name in period.formulas[0].metrics)
                yield BurnWindow(period, duration_text(length), questions, allowance, spent)

    def _opening_time(self, span: DateSpan) -> timedelta:
        """The opening time of a span. It is remembered: a year's takes as long as many other questions together."""
        if span not in self._opening_times:
            self._opening_times[span] = opening_time(self._calendar, span)
        return self._opening_times[span]

    def rates(
        self, windows: Sequence[BurnWindow], answers: Answers, values: Iterable[KpiValue]
    ) -> tuple[BurnRate, ...]:
        """The burn rates of windows that are known well enough; `values` have the targets in force.

        A long window with fewer events than a verdict requires has none, so that three bad calls in the morning raise
        no alarm.
        """
        targets = {value.kpi: value.target for value in values if value.scope is Scope.COMPANY}
        rates = (self._rate(window, answers, targets) for window in windows)
        return tuple(rate for rate in rates if rate is not None)

    def _rate(self, window: BurnWindow, answers: Answers, targets: Mapping[str, float | None]) -> BurnRate | None:
        plan = window.period.plan
        target = targets.get(plan.kpi.name)
        if target is None or not 0 < target < 1 or any(question not in answers for question in window.questions):
            return None
        read = window.period.formulas[0].read
        reading = read(answers[question].get(_COMPANY) for question in window.questions).among(window.period.dated)
        needed = 0 if window.limit is None else plan.min_sample
        if reading.value is None or reading.sample < needed:
            return None
        limit = None if window.limit is None else window.limit * window.allowance
        return BurnRate(plan.kpi.name, window.name, burn_rate(plan.kpi, reading.value, target), limit)


def burn_rate(kpi: Kpi, value: float, target: float) -> float:
    """The share of events that missed, divided by the share that may miss; 0 if none did."""
    missed, may_miss = (value, target) if kpi.better is Better.LOWER else (1 - value, 1 - target)
    return max(missed, 0.0) / may_miss
