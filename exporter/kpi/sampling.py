"""Business metrics as of each entity's own instant: what to ask, and which samples come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from exporter.config.fields import Period, Scope
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar
from exporter.kpi.moment import as_of, people_known
from exporter.kpi.values import Freshness
from exporter.metrics.samples import questions_for, samples_of
from exporter.metrics.values import Answers, Group, Measured, MetricValue, Question, Window

_STAND_INS = {
    period: Window(instant, instant)
    for place, period in enumerate(Period)
    for instant in (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=place),)
}
"""A window for each period that tells which one a question is about."""


class Series(NamedTuple):
    """A metric at one scope and period; a level has no period of its own and is read at the end of one."""

    metric: str
    scope: Scope
    period: Period
    by: bool


@dataclass(frozen=True, slots=True)
class Sampling:
    """The series of one entity, and what each asks as of one instant."""

    asked: Mapping[Series, Question]

    def questions(self) -> Iterator[Question]:
        """What the samples rest on."""
        return iter(self.asked.values())


class Sampler:
    """Asks for the business metrics of one config, and makes samples of the answers.

    An answer that is the same object as last time gives the same samples again.
    """

    def __init__(self, config: Config, calendar: Calendar) -> None:
        self._config = config
        self._calendar = calendar
        self._series = series_by_entity(config)
        self._kept: dict[Series, tuple[Mapping[Group, Measured], Sequence[MetricValue]]] = {}

    def samplings(self, freshness: Mapping[str, Freshness], now: datetime) -> Iterator[Sampling]:
        """One for each entity whose numbers may be shown: read whole at least once, and not too long ago.

        Without knowing everybody's team there is the company alone.
        """
        scopes = set(Scope) if people_known(freshness) else {Scope.COMPANY}
        for entity, series in self._series.items():
            known = as_of(frozenset({entity}), freshness, now)
            if known is not None and not known[1]:
                windows = self._windows(known[0])
                yield Sampling({one: _question(one, windows) for one in series if one.scope in scopes})

    def samples(self, sampling: Sampling, answers: Answers) -> Iterator[MetricValue]:
        """The samples that the answers hold, in the order of the config and of names; what is unknown has none."""
        for series, question in sampling.asked.items():
            found = answers.get(question)
            if found is None:
                continue
            kept = self._kept.get(series)
            if kept is None or kept[0] is not found:
                kept = self._kept[series] = (found, self._made(series, found))
            yield from kept[1]

    def _made(self, series: Series, answer: Mapping[Group, Measured]) -> Sequence[MetricValue]:
        metric = self._config.metric_by_name[series.metric]
        found = samples_of(metric, series.scope, None if metric.is_level else series.period, answer)
        return sorted(found, key=_by_name)

    def _windows(self, until: datetime) -> dict[Period, Window]:
        calendar = self._calendar
        return {period: calendar.window(calendar.holding(period, until), until) for period in Period}


def series_by_entity(config: Config) -> dict[str, list[Series]]:
    """All series of business metrics, by the entity that they are measured on."""
    periods = {window: period for period, window in _STAND_INS.items()}
    found: dict[str, list[Series]] = {}
    for asked in questions_for(config, _STAND_INS):
        series = Series(asked.metric, asked.scope, periods[asked.window], asked.by)
        found.setdefault(config.metric_by_name[asked.metric].entity, []).append(series)
    return found


def _question(series: Series, windows: Mapping[Period, Window]) -> Question:
    return Question(series.metric, windows[series.period], series.scope, series.by)


def _by_name(sample: MetricValue) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return sample.team or "", sample.person or "", sample.labels
