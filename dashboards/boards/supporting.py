"""The metrics that explain a KPI: what its value is made of, what supports it, and its parts by label.

One dashboard serves every KPI, but each has metrics of its own. So each metric's series is kept only while a KPI that
it explains is the chosen one.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.defaults import Site
from dashboards.grafana_model import Panel
from dashboards.look import Look, metric_unit_overrides
from dashboards.panels import Head, bars, now, over_time, tiles
from dashboards.promql import Match, equal, labelled, latest, merged, one_of
from exporter import naming
from exporter.config.expression import metrics_of
from exporter.config.fields import Period
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.naming import Family

_ADDITIVE = ("count", "sum")
_MOST_PARTS = 12


def supporting_tiles(site: Site, panel_id: int, chosen: Match) -> Panel:
    """The metrics behind the chosen KPI, each with its course."""
    head = Head(
        panel_id,
        "Metrics behind it",
        "What the KPI's value is made of, and the metrics named as supporting it, with their course over the time "
        "range: period to date, or now for levels.",
    )
    look = Look(
        name="${__field.labels.title} (${__field.labels.period})",
        overrides=metric_unit_overrides(site.config),
        no_value="no metric is named as supporting this KPI",
    )
    operands = [
        f"{_course(site.config, metric, period)} and on () {_while_chosen(chosen, kpis)}"
        for metric, period, kpis in _explaining(site.config)
        if not metric.by or metric.aggregate in _ADDITIVE
    ]
    return tiles(head, [over_time(" or ".join(operands) or _nothing(chosen), "{{name}} value")], look)


def part_bars(site: Site, panel_id: int, chosen: Match) -> Panel | None:
    """The largest parts of the chosen KPI's metrics by their labels; None where no metric has any."""
    operands = [
        f"{_parts(site.config, metric, period)} and on () {_while_chosen(chosen, kpis)}"
        for metric, period, kpis in _explaining(site.config)
        if metric.by
    ]
    if not operands:
        return None
    head = Head(panel_id, "By label", f"The {_MOST_PARTS} largest parts of each metric behind the KPI.")
    look = Look(
        name="${__field.labels.title}: ${__field.labels.part}",
        overrides=metric_unit_overrides(site.config),
        no_value="the KPI's metrics have no labels",
    )
    return bars(head, [now(f"sort_desc({' or '.join(operands)})", "{{name}} part")], look)


def _explaining(config: Config) -> Iterator[tuple[Metric, Period, tuple[str, ...]]]:
    """Each metric with a period, and the KPIs of that period which it explains."""
    users: dict[tuple[str, Period], list[str]] = {}
    for kpi in config.kpis:
        for name in dict.fromkeys((*metrics_of(kpi.value), *kpi.supporting)):
            users.setdefault((name, kpi.period), []).append(kpi.name)
    for (name, period), kpis in users.items():
        yield config.metric_by_name[name], period, tuple(kpis)


def _while_chosen(chosen: Match, kpis: tuple[str, ...]) -> str:
    return latest(naming.INFO, chosen, one_of("kpi", kpis), by=())


def _nothing(chosen: Match) -> str:
    return f"{latest(naming.INFO, chosen, by=())} > 1"


def _course(config: Config, metric: Metric, period: Period) -> str:
    """One series of the metric, with name, title and period as labels."""
    family = naming.metric_family(config, metric)
    if metric.is_level:
        return _named(metric, labelled(_whole(family, metric, ()), "period", "now"))
    return _named(metric, _whole(family, metric, ("period",), equal("period", period)))


def _whole(family: Family, metric: Metric, by: tuple[str, ...], *matches: Match) -> str:
    return merged("sum", latest(family, *matches), by) if metric.by else latest(family, *matches, by=by)


def _parts(config: Config, metric: Metric, period: Period) -> str:
    """The largest values of the metric's labels, with name, title and the labels' values in one."""
    family = naming.metric_family(config, metric)
    labels = tuple(label for label in family.labels if label != "period")
    in_period = () if metric.is_level else (equal("period", period),)
    largest = f"topk({_MOST_PARTS}, {latest(family, *in_period, by=labels)})"
    names = ", ".join(f'"{label}"' for label in labels)
    return _named(metric, f'label_join({largest}, "part", ", ", {names})')


def _named(metric: Metric, expression: str) -> str:
    return labelled(labelled(expression, "name", metric.name), "title", metric.title)
