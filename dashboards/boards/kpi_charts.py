"""Charts of one KPI: its value and pace over time, and the metrics that explain it.

The metrics are those in the KPI's formula and its supporting metrics. One dashboard serves every KPI, but each KPI has
other metrics. So a query asks for all of them, and keeps a metric's series only while a KPI that it explains is
selected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboards.grafana_model import Panel
from dashboards.look import (
    PERCENT,
    VALUE_LINE,
    Look,
    Override,
    by_pattern,
    fixed_colour,
    metric_unit_overrides,
    unit_overrides,
)
from dashboards.panels import DASHED, DOTTED, Header, bars, instant_query, lines, range_query, tiles
from dashboards.promql import Matcher, aggregate, equals, latest, one_of, with_label
from dashboards.site import Site
from exporter import naming
from exporter.config.expression import metrics_of
from exporter.config.fields import Period
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.naming import Family
from exporter.statuses import GREY

_LIGHT_GREY = "#B7B7B7"
_VALUE_COLOUR = VALUE_LINE
_ADDITIVE = ("count", "sum")
_MOST_PARTS = 12


def value_chart(site: Site, panel_id: int, kpi: Matcher) -> Panel:
    """Value, target, expected and previous period on one chart."""
    header = Header(
        panel_id,
        "Value, target and expected value",
        "Period to date: the value starts again with each period. The dashed line is the target, the dotted line the "
        "value expected by then, the thin line the final value of the previous period. Purple marks show when the "
        "target changed.",
    )
    series = {
        "value": (naming.VALUE, "Value", _line(_VALUE_COLOUR, 3)),
        "target": (naming.TARGET, "Target", _line(GREY.name, 2, DASHED, steps=True)),
        "expected": (naming.EXPECTED, "Expected by then", _line(GREY.name, 2, DOTTED)),
        "previous": (naming.PREVIOUS_VALUE, "Previous period", _line(_LIGHT_GREY, 1, steps=True)),
        "low": (naming.TARGET_LOW, "At least", _line(GREY.name, 1, DASHED, steps=True)),
        "high": (naming.TARGET_HIGH, "At most", _line(GREY.name, 1, DASHED, steps=True)),
    }
    queries = [
        range_query(latest(family, kpi), f"{{{{kpi}}}} {name}", ref)
        for ref, (name, (family, _, _)) in zip("ABCDEF", series.items(), strict=True)
    ]
    overrides: tuple[Override, ...] = (
        *unit_overrides(site.config, site.config.kpis),
        *(by_pattern(f" {name}$", name=title, **line) for name, (_, title, line) in series.items()),
    )
    return lines(header, queries, Look(decimals=2, colour="series", overrides=overrides), step="10m")


def pace_chart(panel_id: int, kpi: Matcher) -> Panel:
    """The ratios to plan and target over time."""
    header = Header(
        panel_id,
        "Against plan over time",
        "Value against what was expected by then, and against the target. The dashed line is 100 %: above it is "
        "better, whatever the KPI's direction. Progress is the way from the baseline to the target, if there is one.",
    )
    series = {
        "plan": (naming.PACE_RATIO, "Against plan", _line(_VALUE_COLOUR, 3)),
        "whole": (naming.TARGET_RATIO, "Against target", _line(GREY.name, 2)),
        "progress": (naming.PROGRESS_RATIO, "Progress from baseline", _line(GREY.name, 2, DOTTED)),
    }
    queries = [
        range_query(latest(family, kpi), name, ref)
        for ref, (name, (family, _, _)) in zip("ABC", series.items(), strict=True)
    ]
    overrides = tuple(by_pattern(f"^{name}$", name=title, **line) for name, (_, title, line) in series.items())
    return lines(header, queries, Look(PERCENT, 0, colour="series", overrides=overrides), step="10m", at=1)


def _line(
    colour: str, width: int, style: Mapping[str, object] | None = None, *, steps: bool = False
) -> dict[str, object]:
    properties: dict[str, object] = {"colour": fixed_colour(colour), "custom__lineWidth": width}
    if style:
        properties["custom__lineStyle"] = style
    if steps:
        properties["custom__lineInterpolation"] = "stepAfter"
    return properties


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
    no_series = f"{latest(naming.INFO, selected, by=())} > 1"
    return tiles(header, [range_query(" or ".join(operands) or no_series, "{{name}} value")], look)


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
