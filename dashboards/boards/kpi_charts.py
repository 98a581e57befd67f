"""The charts of one KPI along time."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.defaults import Site
from dashboards.grafana_model import Panel
from dashboards.look import PERCENT, Look, Override, fixed, matching, unit_overrides
from dashboards.panels import DASHED, DOTTED, Head, lines, over_time
from dashboards.promql import Match, latest
from exporter import naming
from exporter.config.fields import Status
from exporter.statuses import STATUSES

_QUIET = "#8E8E8E"
_PALE = "#B7B7B7"
_VALUE = STATUSES[Status.ON_TRACK].safe


def value_chart(site: Site, panel_id: int, kpi: Match) -> Panel:
    """Value, target, expected and previous period on one chart."""
    head = Head(
        panel_id,
        "Value, target and what was expected",
        "Period to date: the value starts anew with each period. The dashed line is the target of the whole period, "
        "the dotted one what was expected by then, the thin one the final value of the period before. Purple marks "
        "show where the target changed.",
    )
    parts = {
        "value": (naming.VALUE, "Value", _line(_VALUE, 3)),
        "target": (naming.TARGET, "Target", _line(_QUIET, 2, DASHED, steps=True)),
        "expected": (naming.EXPECTED, "Expected by then", _line(_QUIET, 2, DOTTED)),
        "previous": (naming.PREVIOUS_VALUE, "Previous period", _line(_PALE, 1, steps=True)),
        "low": (naming.TARGET_LOW, "At least", _line(_QUIET, 1, DASHED, steps=True)),
        "high": (naming.TARGET_HIGH, "At most", _line(_QUIET, 1, DASHED, steps=True)),
    }
    queries = [
        over_time(latest(family, kpi), f"{{{{kpi}}}} {part}", ref)
        for ref, (part, (family, _, _)) in zip("ABCDEF", parts.items(), strict=True)
    ]
    overrides: tuple[Override, ...] = (
        *unit_overrides(site.config, site.config.kpis),
        *(matching(f" {part}$", name=name, **line) for part, (_, name, line) in parts.items()),
    )
    return lines(head, queries, Look(decimals=2, colour="series", overrides=overrides), step="10m")


def pace_chart(panel_id: int, kpi: Match) -> Panel:
    """The ratios along time, around the line of 100 %."""
    head = Head(
        panel_id,
        "Against plan along time",
        "Value against what was expected by then, and against the target of the whole period. The dashed line is "
        "100 %: above it is better, whatever the KPI's direction. Progress counts from a baseline, where there is one.",
    )
    parts = {
        "plan": (naming.PACE_RATIO, "Against plan", _line(_VALUE, 3)),
        "whole": (naming.TARGET_RATIO, "Of whole target", _line(_QUIET, 2)),
        "progress": (naming.PROGRESS_RATIO, "Progress from baseline", _line(_QUIET, 2, DOTTED)),
    }
    queries = [
        over_time(latest(family, kpi), part, ref)
        for ref, (part, (family, _, _)) in zip("ABC", parts.items(), strict=True)
    ]
    overrides = tuple(matching(f"^{part}$", name=name, **line) for part, (_, name, line) in parts.items())
    return lines(head, queries, Look(PERCENT, 0, colour="series", overrides=overrides), step="10m", at=1)


def _line(
    colour: str, width: int, style: Mapping[str, object] | None = None, *, steps: bool = False
) -> dict[str, object]:
    properties: dict[str, object] = {"colour": fixed(colour), "custom__lineWidth": width}
    if style:
        properties["custom__lineStyle"] = style
    if steps:
        properties["custom__lineInterpolation"] = "stepAfter"
    return properties
