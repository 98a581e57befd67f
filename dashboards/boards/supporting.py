"""The metrics that explain a KPI: those in its formula, its supporting metrics, and their parts by label.

One dashboard serves every KPI, but each KPI has other metrics. So the query asks for all of them, and keeps a metric's
series only while a KPI that it explains is selected.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana_model import Panel
from dashboards.look import Look, metric_unit_overrides
from dashboards.panels import Header, bars, instant_query, range_query, tiles
from dashboards.promql import Matcher, aggregate, equals, latest, one_of, with_label
from dashboards.site import Site
from exporter import naming
from exporter.config.expression import metrics_of
from exporter.config.fields import Period
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.naming import Family

_ADDITIVE = ("count", "sum")
_MOST_PARTS = 12


def supporting_tiles(site: Site, panel_id: int, selected: Matcher) -> Panel:
    """The metrics that explain the selected KPI, each with a sparkline."""
    header = Header(
        panel_id,
        "Metrics behind it",
        "The metrics in the KPI's formula and its supporting metrics, over the time range: period to date, or the "
        "current value of a level.",
    )
    look = Look(
        name="${__field.labels.title} (${__field.labels.period})",
        overrides=metric_unit_overrides(site.config),
        no_value="this KPI has no supporting metrics",
    )
    operands = [
        f"{_total(site.config, metric, period)} and on () {_while_selected(selected, kpis)}"
        for metric, period, kpis in _metrics_with_kpis(site.config)
        if not metric.by or metric.aggregate in _ADDITIVE
    ]
    return tiles(header, [range_query(" or ".join(operands) or _no_series(selected), "{{name}} value")], look)


def part_bars(site: Site, panel_id: int, selected: Matcher) -> Panel | None:
    """The largest parts of the selected KPI's metrics by their labels; None if no metric has labels."""
    operands = [
        f"{_parts(site.config, metric, period)} and on () {_while_selected(selected, kpis)}"
        for metric, period, kpis in _metrics_with_kpis(site.config)
        if metric.by
    ]
    if not operands:
        return None
    header = Header(panel_id, "By label", f"The {_MOST_PARTS} largest parts of each metric behind the KPI, by label.")
    look = Look(
        name="${__field.labels.title}: ${__field.labels.part}",
        overrides=metric_unit_overrides(site.config),
        no_value="the KPI's metrics have no labels",
    )
    return bars(header, [instant_query(f"sort_desc({' or '.join(operands)})", "{{name}} part")], look)


def _metrics_with_kpis(config: Config) -> Iterator[tuple[Metric, Period, tuple[str, ...]]]:
    """Each metric with a period, and the KPIs of that period that it explains."""
    kpi_names: dict[tuple[str, Period], list[str]] = {}
    for kpi in config.kpis:
        for name in dict.fromkeys((*metrics_of(kpi.value), *kpi.supporting)):
            kpi_names.setdefault((name, kpi.period), []).append(kpi.name)
    for (name, period), kpis in kpi_names.items():
        yield config.metric_by_name[name], period, tuple(kpis)


def _while_selected(selected: Matcher, kpis: tuple[str, ...]) -> str:
    return latest(naming.INFO, selected, one_of("kpi", kpis), by=())


def _no_series(selected: Matcher) -> str:
    return f"{latest(naming.INFO, selected, by=())} > 1"


def _total(config: Config, metric: Metric, period: Period) -> str:
    """The metric as one series, with name, title and period as labels."""
    family = naming.metric_family(config, metric)
    if metric.is_level:
        return _with_names(metric, with_label(_sum(family, metric, ()), "period", "now"))
    return _with_names(metric, _sum(family, metric, ("period",), equals("period", period)))


def _sum(family: Family, metric: Metric, by: tuple[str, ...], *matchers: Matcher) -> str:
    return aggregate("sum", latest(family, *matchers), by) if metric.by else latest(family, *matchers, by=by)


def _parts(config: Config, metric: Metric, period: Period) -> str:
    """The largest series of the metric, with name, title, and `part` (all label values) as labels."""
    family = naming.metric_family(config, metric)
    labels = tuple(label for label in family.labels if label != "period")
    in_period = () if metric.is_level else (equals("period", period),)
    largest = f"topk({_MOST_PARTS}, {latest(family, *in_period, by=labels)})"
    names = ", ".join(f'"{label}"' for label in labels)
    return _with_names(metric, f'label_join({largest}, "part", ", ", {names})')


def _with_names(metric: Metric, expression: str) -> str:
    return with_label(with_label(expression, "name", metric.name), "title", metric.title)
