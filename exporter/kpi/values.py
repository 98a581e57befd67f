"""The result of an evaluation: what /metrics, the status page and `values` show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from exporter.config.fields import Period, Scope, Status
from exporter.kpi.calendar import TimeLeft
from exporter.kpi.signals import NO_SIGNALS, AlertSignals
from exporter.metrics.runs import Runs
from exporter.metrics.values import Group, MetricValue
from exporter.seals import RestatedValue

PEOPLE = "(people)"
"""The key of the people's freshness beside those of the metrics. A metric cannot have this name."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far and how completely a metric is known, across all sources that contribute to it.

    It is complete up to `complete_until`; None if some source never completed a pass. `stale` means that the last
    completed pass of a source, or its file, is too old for its numbers to be shown. `known_since` is the instant of the
    first record; None if there is none, or if nothing depends on it.

    `records` is the number of stored records of its sources, `undated` that of those among them whose time is unknown,
    and `rejected` that of records which are not stored because they were rejected. They are as of now, at any instant.
    `unread` says in words what is not known yet; None if everything is.
    """

    complete_until: datetime | None
    stale: bool = False
    known_since: datetime | None = None
    records: int = 0
    undated: int = 0
    rejected: int = 0
    unread: str | None = None

    @property
    def dated_share(self) -> float:
        """The share of the records that were delivered which have a place in time; 1 without records."""
        delivered = self.records + self.rejected
        return (self.records - self.undated) / delivered if delivered else 1.0


class KpiValue(NamedTuple):
    """One KPI of the company, a team or a person, in the period that contains `as_of`.

    Numbers are None if they are unknown or meaningless, and never NaN. `target` of a range is its middle;
    `target_low` and `target_high` are its ends. `time_left` is that of the period. `coverage` is the share of the
    records that the value rests on, None if all numbers are withheld. `reason` says in words why there is no value, no
    target or no verdict, or which guard keeps the verdict from being better. All instants are in UTC. A tuple, because
    a backfill creates millions of them and creating a frozen dataclass takes ten times as long.
    """

    kpi: str
    scope: Scope
    period_start: datetime
    period_end: datetime
    as_of: datetime | None
    status: Status
    elapsed: float
    time_left: TimeLeft
    team: str | None = None
    person: str | None = None
    value: float | None = None
    target: float | None = None
    target_low: float | None = None
    target_high: float | None = None
    target_ratio: float | None = None
    expected: float | None = None
    pace_ratio: float | None = None
    progress_ratio: float | None = None
    previous_value: float | None = None
    coverage: float | None = None
    reason: str | None = None


class MetricRun(NamedTuple):
    """The samples of one metric at one scope and period, which is None for a level."""

    metric: str
    scope: Scope
    period: Period | None
    samples: Sequence[MetricValue]


class KpiRun(NamedTuple):
    """The values of one KPI at one scope.

    Two runs of one evaluator with the same revision have the same values but for the as-of instant and the share that
    has elapsed by then.
    """

    kpi: str
    scope: Scope
    values: tuple[KpiValue, ...]
    revision: Any = 0


ValueRuns = Mapping[tuple[Scope, Group], Runs[KpiValue]]
"""The values of a KPI by scope and group. In a run the as-of instant and the elapsed share are those of its begin."""


@dataclass(frozen=True, slots=True)
class ObjectiveScore:
    """The weighted, capped score of an objective's KPIs; None if less than half their weight is covered."""

    objective: str
    score: float | None
    coverage: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything known as of one instant. `failed` names metrics and KPIs that could not be evaluated.

    `restated` has the newest sealed periods whose value changed later. `signals` are what only alerts
    need.

    `kpi_runs` are the `kpis` of one KPI and scope each, `metric_runs` the `metrics` of one metric, scope and period.
    Those of metrics that have not changed since the previous evaluation are the same objects.
    """

    at: datetime
    kpis: tuple[KpiValue, ...]
    metrics: tuple[MetricValue, ...]
    objectives: tuple[ObjectiveScore, ...] = ()
    label_overflow: Mapping[tuple[str, str], int] = field(default_factory=dict)
    undated: Mapping[tuple[str, str], int] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    restated: tuple[RestatedValue, ...] = ()
    signals: AlertSignals = NO_SIGNALS
    metric_runs: tuple[MetricRun, ...] = field(default=(), repr=False, compare=False)
    kpi_runs: tuple[KpiRun, ...] = field(default=(), repr=False, compare=False)
