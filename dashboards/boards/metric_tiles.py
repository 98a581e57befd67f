"""What explains the KPIs of a department: the metrics in their formulas and their supporting metrics.

Metrics have no target, so they have no verdict and no colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dashboards.boards.kpi_panels import TILE_TITLES
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Panel
from dashboards.look import Look, UnitLook, by_name, unit_look
from dashboards.panels import SPARKLINE_STEP, Header, range_query, tiles, with_sparklines
from dashboards.promql import aggregate, equals, select, with_label
from dashboards.selection import Reading, Selection, up_to_the_end
from dashboards.site import Site
from exporter.config.expression import Ref
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
    metrics: dict[str, PeriodMetric] = {}
    for kpi in kpis:
        for name in kpi.explained_by:
            total = total_of(config, config.metric_by_name[name], kpi.period)
            if total is not None and total.name not in own:
                metrics.setdefault(total.name, PeriodMetric(total, kpi.period))
    return tuple(metrics.values())


def total_of(config: Config, metric: Metric, period: Period) -> Metric | None:
    """The metric to show where a metric is one number: one without labels that counts the same, if there is one.

    Otherwise it is the metric itself if its labels add up, else None.
    """
    if not metric.by:
        return metric
    for other in config.metrics:
        has_series = other.is_level or period in config.periods_of(other)
        if not other.by and has_series and _counted(other) == _counted(metric):
            return other
    return metric if metric.aggregate in _ADDITIVE else None


def _counted(metric: Metric) -> Metric:
    """What the metric counts, whatever it is called and how it is split."""
    same = {"name": "", "title": "", "description": None, "by": (), "periods": (), "expected": None}
    return metric.model_copy(update=same)


def metric_tiles(site: Site, header: Header, metrics: Sequence[PeriodMetric]) -> Panel:
    """A tile for each metric: its value in the current period, or now, and the last 30 days."""
    overrides = (by_name(entry.name, **_shown(site.config, entry.metric).properties()) for entry in metrics)
    values = (
        with_label(metric_over_time(site.config, entry.metric, entry.period), "name", entry.name) for entry in metrics
    )
    query = range_query(" or ".join(values), "{{name}}", step=SPARKLINE_STEP)
    look = Look(
        "none",
        None,
        overrides=tuple(overrides),
        no_value="no metric has a value in the current period",
        own_scale=True,
    )
    return with_sparklines(tiles(header, [query], look, paint="none", title_size=TILE_TITLES))


def _shown(config: Config, metric: Metric) -> UnitLook:
    """As a KPI of this unit is shown; seconds become minutes and hours, because these numbers have no target beside."""
    unit = metric_unit(metric)
    return UnitLook("s", 1) if unit == "seconds" else unit_look(unit, config.company.currency)


def metric_over_time(config: Config, metric: Metric, period: Period) -> str:
    """One series over time: the metric in the current period, or a level now, as it is shown.

    It is absent unless the metric has a value now. Otherwise a tile would show the last value that there was, such as
    Friday's on a Sunday.
    """
    family = metric_family(config, metric)
    selector = select(family, *(() if metric.is_level else (equals("period", period),)))
    past, present = (
        aggregate("sum", aggregate("max", reading.read(selector), family.labels))
        for reading in (Selection().over_time, Selection(reading=Reading.AT_END))
    )
    factor = _shown(config, metric).factor
    number = f"({up_to_the_end(past, present)}) and on () {present}"
    return f"{factor} * ({number})" if factor != 1 else f"({number})"


def rows_of(metrics: Sequence[PeriodMetric]) -> Iterator[Sequence[PeriodMetric]]:
    """The metrics in rows of about as many tiles each: a stat panel never breaks its tiles into two rows."""
    rows = math.ceil(len(metrics) / TILES_IN_A_ROW)
    for row in range(rows):
        yield metrics[row * len(metrics) // rows : (row + 1) * len(metrics) // rows]
