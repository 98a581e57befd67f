"""Bullet bars for table cells: pictures of a ratio, with a mark at 100 %.

A cell of the type image shows the text of its value mapping, so that range mappings turn numbers into pictures. That
needs no plugin, and Grafana's content security policy allows it: `img-src * data:`.
"""

from __future__ import annotations

from typing import Any

from exporter.statuses import BAR, GREY

_WIDTH, _HEIGHT, _MARK_AT = 180, 16, 120
"""Pixels; the bar of 100 % ends in the middle of the mark."""
_STEP = 0.025
_STEPS = round(_WIDTH / _MARK_AT / _STEP)
_MARK, _OUTLINE = "#d5d9e0", "#3a3f47"
_BEYOND = 1e9


def bullet_mappings() -> list[dict[str, Any]]:
    """Value mappings from a ratio to its bar, in steps of 2.5 %, up to 150 %; nothing without a number."""
    ranges = [_range(index) for index in range(_STEPS + 1)]
    nothing = {"type": "special", "options": {"match": "null+nan", "result": {"index": len(ranges), "text": ""}}}
    return [*ranges, nothing]


def _range(index: int) -> dict[str, Any]:
    lower = -_BEYOND if index == 0 else round((index - 0.5) * _STEP, 4)
    upper = _BEYOND if index == _STEPS else round((index + 0.5) * _STEP, 4)
    picture = bullet(index * _STEP)
    return {"type": "range", "options": {"from": lower, "to": upper, "result": {"index": index, "text": picture}}}


def bullet(ratio: float) -> str:
    """The picture of a ratio as a data URL: the bar, the gap to the mark where it is short, and the mark."""
    length = max(1, min(_WIDTH, round(ratio * _MARK_AT)))
    size = f"width='{_WIDTH}' height='{_HEIGHT}'"
    parts = [f"<rect y='3' width='{length}' height='10' rx='1.5' fill='{BAR}'/>"]
    if length < _MARK_AT:
        gap = f"x='{length}' y='7' width='{_MARK_AT - length}' height='2'"
        parts.append(f"<rect {gap} fill='{GREY.name}' opacity='.6'/>")
    mark = f"x='{_MARK_AT - 2}' y='.5' width='4' height='15' rx='1'"
    parts.append(f"<rect {mark} fill='{_MARK}' stroke='{_OUTLINE}'/>")
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' {size} viewBox='0 0 {_WIDTH} {_HEIGHT}'>{''.join(parts)}</svg>"
    return "data:image/svg+xml," + svg.replace("#", "%23")
