"""Charts of one KPI over time."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.grafana_model import Panel
from dashboards.look import PERCENT, Look, Override, by_pattern, fixed_colour, unit_overrides
from dashboards.panels import DASHED, DOTTED, Header, lines, range_query
from dashboards.promql import Matcher, latest
from dashboards.site import Site
from exporter import naming
from exporter.config.fields import Status
from exporter.statuses import GREY, STATUSES

_LIGHT_GREY = "#B7B7B7"
_VALUE_COLOUR = STATUSES[Status.ON_TRACK].safe


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
        "target": (naming.TARGET, "Target", _line(GREY, 2, DASHED, steps=True)),
        "expected": (naming.EXPECTED, "Expected by then", _line(GREY, 2, DOTTED)),
        "previous": (naming.PREVIOUS_VALUE, "Previous period", _line(_LIGHT_GREY, 1, steps=True)),
        "low": (naming.TARGET_LOW, "At least", _line(GREY, 1, DASHED, steps=True)),
        "high": (naming.TARGET_HIGH, "At most", _line(GREY, 1, DASHED, steps=True)),
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
        "whole": (naming.TARGET_RATIO, "Against target", _line(GREY, 2)),
        "progress": (naming.PROGRESS_RATIO, "Progress from baseline", _line(GREY, 2, DOTTED)),
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
