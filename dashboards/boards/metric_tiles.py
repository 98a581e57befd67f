"""What explains the KPIs of a department: the metrics in their formulas and their supporting metrics.

Metrics have no target, so they have no verdict and no colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dashboards.boards.scorecard import TREND_SPAN, TREND_STEP
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Panel
from dashboards.look import Look, UnitLook, by_name, unit_look
from dashboards.panels import Header, range_query, tiles
from dashboards.promql import aggregate, equals, select, with_label
from dashboards.selection import Reading, Selection, up_to_the_end
from dashboards.site import Site
from exporter.config.expression import Ref, metrics_of
from exporter.config.fields import Period
from exporter.config.kpis import Kpi
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.config.units import metric_unit
from exporter.naming import metric_family

TILES_IN_A_ROW = 6
_ADDITIVE = ("count", "sum")
_PERIODS = {
    Period.DAY: "today",
    Period.WEEK: "this week",
    Period.MONTH: "this month",
    Period.QUARTER: "this quarter",
    Period.YEAR: "this year",
}


@dataclass(frozen=True, slots=True)
class PeriodMetric:
    """A metric in the period of a KPI that it explains."""

    metric: Metric
    period: Period

    @property
    def name(self) -> str:
        """The title, with the period unless it is a level, which has none."""
        title = escape_variables(self.metric.title)
        return title if self.metric.is_level else f"{title}, {_PERIODS[self.period]}"


def explaining_metrics(config: Config, kpis: Iterable[Kpi]) -> tuple[PeriodMetric, ...]:
    """The metrics behind the KPIs that are not a KPI themselves and that add up over their labels.

    A metric of several KPIs has the period of the first.
    """
    kpis = tuple(kpis)
    own = {kpi.value.metric for kpi in kpis if isinstance(kpi.value, Ref)}
    periods: dict[str, Period] = {}
    for kpi in kpis:
        for name in (*metrics_of(kpi.value), *kpi.supporting):
            periods.setdefault(name, kpi.period)
    return tuple(
        PeriodMetric(metric, period)
        for name, period in periods.items()
        if name not in own
        for metric in (config.metric_by_name[name],)
        if not metric.by or metric.aggregate in _ADDITIVE
    )


def metric_tiles(site: Site, header: Header, metrics: Sequence[PeriodMetric]) -> Panel:
    """A tile for each metric: its value in the current period, or now, and the last 30 days."""
    looks = [_look(site.config, entry.metric) for entry in metrics]
    overrides = (by_name(entry.name, **look.properties()) for entry, look in zip(metrics, looks, strict=True))
    values = (_value(site.config, *pair) for pair in zip(metrics, looks, strict=True))
    query = range_query(" or ".join(values), "{{name}}", step=TREND_STEP)
    look = Look("none", None, overrides=tuple(overrides), own_scale=True)
    panel = tiles(header, [query], look, paint="none", title_size=14)
    panel.past = TREND_SPAN
    return panel


def _look(config: Config, metric: Metric) -> UnitLook:
    """As a KPI of this unit is shown; seconds become minutes and hours, because these numbers have no target beside."""
    unit = metric_unit(metric)
    return UnitLook("s", 1) if unit == "seconds" else unit_look(unit, config.company.currency)


def _value(config: Config, entry: PeriodMetric, look: UnitLook) -> str:
    """The metric over time, with its name as a label."""
    family = metric_family(config, entry.metric)
    selector = select(family, *(() if entry.metric.is_level else (equals("period", entry.period),)))
    past, present = (
        aggregate("sum", aggregate("max", reading.read(selector), family.labels))
        for reading in (Selection().over_time, Selection(reading=Reading.AT_END))
    )
    factor = f"{look.factor} * " if look.factor != 1 else ""
    return with_label(f"{factor}({up_to_the_end(past, present)})", "name", entry.name)


def rows_of(metrics: Sequence[PeriodMetric]) -> Iterator[Sequence[PeriodMetric]]:
    """The metrics in rows of about as many tiles each: a stat panel never breaks its tiles into two rows."""
    rows = math.ceil(len(metrics) / TILES_IN_A_ROW)
    for row in range(rows):
        yield metrics[row * len(metrics) // rows : (row + 1) * len(metrics) // rows]
