"""Charts of one KPI: its value over time, and the metrics that explain it.

The metrics are those in the KPI's formula and its supporting metrics. One dashboard serves every KPI, but each KPI has
other metrics. So a query asks for all of them, and keeps a metric's series only while a KPI that it explains is
selected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dashboards import expressions
from dashboards.boards.kpi_panels import TILE_TITLES
from dashboards.boards.metric_tiles import metric_over_time, total_of
from dashboards.grafana_model import Panel, Query
from dashboards.look import VALUE_LINE, Look, by_name, fixed_colour, metric_overrides, unit_look
from dashboards.panels import (
    DASHED,
    DOTTED,
    SPARKLINE_STEP,
    Header,
    bars,
    instant_query,
    lines,
    range_query,
    table_query,
    tiles,
    with_sparklines,
)
from dashboards.promql import Matcher, equals, latest, one_of, quote, with_label
from dashboards.selection import Selection
from dashboards.site import Site
from exporter import naming
from exporter.config.fields import Period
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.config.units import metric_unit
from exporter.statuses import GREY

_MOST_PARTS = 12


def value_chart(site: Site, panel_id: int, selection: Selection) -> Panel:
    """Value, expected value and target of the selected KPI over time; what is missing and what is ahead is shaded."""
    header = Header(
        panel_id,
        "Value, and where it should have been",
        "Period to date: the value starts again with each period. The dashed line is what was expected by then, the "
        "dotted line the target of the period or the ends of its range. Grey areas show what was missing, blue areas "
        "what was ahead. Purple marks show when the target changed.",
    )
    past = selection.over_time
    low = past.latest(naming.TARGET_LOW)
    series = {
        "value": past.latest(naming.VALUE),
        "should be by then": f"{past.latest(naming.EXPECTED)} unless on (kpi) {low}",
        "target of the period": f"{past.latest(naming.TARGET)} unless on (kpi) {low}",
        "lower end": low,
        "upper end": past.latest(naming.TARGET_HIGH),
    }
    queries = [
        range_query(expressions.as_shown(expr, past), name, ref)
        for ref, (name, expr) in zip("ABCDE", series.items(), strict=True)
    ]
    overrides = (
        by_name("value", **_line(VALUE_LINE, 3), custom__fillBelowTo="should be by then", custom__fillOpacity=14),
        by_name(
            "should be by then",
            **_line(GREY.name, 2, DASHED),
            custom__fillBelowTo="value",
            custom__fillOpacity=20,
        ),
        by_name("target of the period", **_line(GREY.name, 2, DOTTED)),
        by_name("lower end", **_line(GREY.name, 1, DOTTED)),
        by_name("upper end", **_line(GREY.name, 1, DOTTED), custom__fillBelowTo="lower end", custom__fillOpacity=10),
    )
    panel = lines(header, queries, Look(decimals=None, colour="series", overrides=overrides))
    return with_selected_unit(site, panel, selection)


def _line(colour: str, width: int, style: Mapping[str, object] | None = None) -> dict[str, object]:
    properties: dict[str, object] = {"colour": fixed_colour(colour), "custom__lineWidth": width}
    return properties | ({"custom__lineStyle": style} if style else {})


def with_selected_unit(site: Site, panel: Panel, selection: Selection) -> Panel:
    """The panel with its numbers in the unit of the selected KPI, which a query of its own gives.

    Overrides still apply, so that a panel can have numbers of other units.
    """
    panel.targets.append(_unit_query(site.config, selection))
    mappings = [{"fieldName": name, "handlerKey": name} for name in ("unit", "decimals")]
    options: dict[str, Any] = {
        "configRefId": "unit",
        "mappings": mappings,
        "applyTo": {"id": "byType", "options": "number"},
    }
    panel.transformations = [{"id": "configFromData", "options": options}, *(panel.transformations or ())]
    del panel.field_config["defaults"]["decimals"]
    return panel


def _unit_query(config: Config, selection: Selection) -> Query:
    """Grafana's unit and decimals of the selected KPI as labels."""
    texts = f"topk(1, {latest(naming.INFO, *selection.matchers, by=('unit',))})"
    for unit in sorted({config.unit(kpi) for kpi in config.kpis}):
        look = unit_look(unit, config.company.currency)
        texts = _if_unit(texts, "shown", look.id, unit)
        if look.decimals is not None:
            texts = _if_unit(texts, "decimals", str(look.decimals), unit)
    return table_query(f'max by (unit, decimals) (label_replace({texts}, "unit", "$1", "shown", "(.*)"))', "unit")


def _if_unit(expression: str, label: str, text: str, unit: str) -> str:
    replacement, pattern = quote(text.replace("$", "$$")), quote(re.escape(unit))
    return f'label_replace({expression}, "{label}", {replacement}, "unit", {pattern})'


def supporting_tiles(site: Site, panel_id: int, selected: Matcher) -> Panel:
    """The metrics that explain the selected KPI, each with a sparkline."""
    header = Header(
        panel_id,
        "What makes it so",
        "The metrics in the KPI's formula and its supporting metrics, now and in the last 30 days: period to date, or "
        "the current value of a level. A metric without a value in the current period is left out.",
    )
    look = Look(
        name="${__field.labels.title} (${__field.labels.period})",
        decimals=None,
        overrides=metric_overrides(site.config),
        no_value="no metric has a value in the current period",
        own_scale=True,
    )
    operands = [
        f"{_total(site.config, metric, period)} and on () {_while_selected(selected, kpis)}"
        for metric, period, kpis in _totals_with_kpis(site.config)
    ]
    no_series = f"{latest(naming.INFO, selected, by=())} > 1"
    query = range_query(" or ".join(operands) or no_series, "{{name}} value", step=SPARKLINE_STEP)
    return with_sparklines(tiles(header, [query], look, paint="none", title_size=TILE_TITLES))


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
        decimals=None,
        lowest=0,
        overrides=metric_overrides(site.config),
        no_value="the KPI's metrics have no labels",
    )
    panel = bars(header, [instant_query(f"sort_desc({' or '.join(operands)})", "{{name}} part")], look)
    panel.options["text"] = {"titleSize": 13, "valueSize": 18}
    return panel


def _metrics_with_kpis(config: Config) -> Iterator[tuple[Metric, Period, tuple[str, ...]]]:
    """Each metric with a period, and the KPIs of that period that it explains."""
    kpi_names: dict[tuple[str, Period], list[str]] = {}
    for kpi in config.kpis:
        for name in kpi.explained_by:
            kpi_names.setdefault((name, kpi.period), []).append(kpi.name)
    for (name, period), kpis in kpi_names.items():
        yield config.metric_by_name[name], period, tuple(kpis)


def _totals_with_kpis(config: Config) -> Iterator[tuple[Metric, Period, tuple[str, ...]]]:
    """The same of the metrics that stand for them where one number is shown, each once."""
    kpi_names: dict[tuple[str, Period], list[str]] = {}
    for metric, period, kpis in _metrics_with_kpis(config):
        total = total_of(config, metric, period)
        if total is not None:
            kpi_names.setdefault((total.name, period), []).extend(kpis)
    for (name, period), names in kpi_names.items():
        yield config.metric_by_name[name], period, tuple(names)


def _while_selected(selected: Matcher, kpis: tuple[str, ...]) -> str:
    return latest(naming.INFO, selected, one_of("kpi", kpis), by=())


def _total(config: Config, metric: Metric, period: Period) -> str:
    """The metric over time as one series, with name, title and period as labels."""
    series = with_label(metric_over_time(config, metric, period), "period", "now" if metric.is_level else period)
    return _with_names(metric, f"({series})")


def _parts(config: Config, metric: Metric, period: Period) -> str:
    """The largest series of the metric, with name, title, and `part` (all label values) as labels."""
    family = naming.metric_family(config, metric)
    labels = tuple(label for label in family.labels if label != "period")
    in_period = () if metric.is_level else (equals("period", period),)
    factor = "100 * " if metric_unit(metric) == "ratio" else ""
    largest = f"topk({_MOST_PARTS}, {factor}{latest(family, *in_period, by=labels)})"
    names = ", ".join(f'"{label}"' for label in labels)
    return _with_names(metric, f'label_join({largest}, "part", ", ", {names})')


def _with_names(metric: Metric, expression: str) -> str:
    return with_label(with_label(expression, "name", metric.name), "title", metric.title)
