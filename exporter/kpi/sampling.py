"""Business metrics as of each entity's own instant: what to ask, and which samples come of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exporter.config.fields import Period, Scope
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar
from exporter.kpi.moment import as_of, people_known
from exporter.kpi.values import Freshness
from exporter.metrics.samples import questions_for, samples
from exporter.metrics.values import Answers, MetricValue, Question, Window


@dataclass(frozen=True, slots=True)
class Sampling:
    """The metrics of one entity over their periods to date. `people` is False while nobody's team is known yet."""

    config: Config
    metrics: Collection[str]
    windows: Mapping[Period, Window]
    people: bool

    def questions(self) -> tuple[Question, ...]:
        """What the samples rest on."""
        return tuple(
            question
            for question in questions_for(self.config, self.windows, self.metrics)
            if self.people or question.scope is Scope.COMPANY
        )

    def samples(self, answers: Answers) -> tuple[MetricValue, ...]:
        """The samples that the answers hold; what is unknown has none."""
        found = samples(self.config, self.windows, answers, self.metrics)
        return tuple(sample for sample in found if self.people or sample.scope is Scope.COMPANY)


def samplings(
    config: Config, calendar: Calendar, freshness: Mapping[str, Freshness], now: datetime
) -> Iterator[Sampling]:
    """One for each entity whose numbers may be shown: read whole at least once, and not too long ago."""
    for entity, names in metrics_by_entity(config).items():
        known = as_of(frozenset({entity}), freshness, now)
        if known is not None and not known[1]:
            windows = {period: calendar.window(calendar.holding(period, known[0]), known[0]) for period in Period}
            yield Sampling(config, names, windows, people_known(freshness))


def metrics_by_entity(config: Config) -> dict[str, Sequence[str]]:
    """The names of the metrics on each entity."""
    found: dict[str, list[str]] = {}
    for metric in config.metrics:
        found.setdefault(metric.entity, []).append(metric.name)
    return dict(found)
