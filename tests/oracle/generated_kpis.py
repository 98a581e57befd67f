"""Generated KPIs: every form of a target, and settings that change on a date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.oracle.metric_pool import FORMER, MEANS, VALUES

_Draw = Callable[[st.SearchStrategy[Any]], Any]
_Entries = list[dict[str, Any]]
_PERSONS = ("Ann", "ann@x.io", "BOB", "3", "zed")
"""Persons as targets name them: by name, email, or the id in a source."""


def generated_kpi(draw: _Draw, base: date, name: str, earlier: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A KPI of this name; one of the `earlier` may be its guard."""
    value, unit, scopes, size = VALUES[name]
    kpi: dict[str, Any] = {
        "name": f"kpi_{name}", "title": name, "objective": draw(st.sampled_from(["o", "o", "p"])), "department": "d",
        "owner": "o", "why": "w", "value": value, "unit": unit,
        "period": draw(st.sampled_from(["day", "week", "month", "month", "quarter", "year"])),
        "better": draw(st.sampled_from(["higher", "lower", "within"])), "scopes": list(scopes),
    }  # fmt: skip
    if name in FORMER and draw(st.booleans()):
        kpi["value"] = [{"is": FORMER[name]}, {"is": value, "since": _day(draw, base)}]
    target = _target(draw, base, kpi, size)
    if target is not None:
        kpi["target"] = target
    guards = [other["name"] for other in earlier if "target" in other]
    options = {
        "pace": st.sampled_from(["linear", "workdays", "workdays", "none"]),
        "scale": st.sampled_from([size, size * 3]),
        "min_sample": st.sampled_from([0, 3]),
        "min_elapsed": st.sampled_from([0, 0.5]),
        "applies_to": st.sampled_from(["all", "own"]),
        "weight": st.just(3) | st.just([{"is": 1}, {"is": 4, "since": _day(draw, base)}]),
        "bands": st.just({"exceeded": 1.5, "on_track": 0.8, "at_risk": 0.7})
        | st.just([{"is": {"on_track": 1.05}}, {"is": {"at_risk": 0.4}, "since": _day(draw, base)}]),
        "guard": st.sampled_from(guards or [None]),
    }
    drawn = {key: draw(choice) for key, choice in options.items() if draw(st.sampled_from([False, False, True]))}
    return kpi | {key: option for key, option in drawn.items() if option is not None}


def _target(draw: _Draw, base: date, kpi: dict[str, Any], size: float) -> Any:
    if kpi["better"] == "within":
        ranges: _Entries = [{"within": [size, size * 3]}, {"within": [size, size * 2], "since": _day(draw, base)}]
        return draw(st.sampled_from([ranges[0], ranges[:1], ranges + _shares(draw, base, kpi)]))
    form = draw(st.sampled_from(["none", "number", "goal", "growth", "dated", "dated", "dated"]))
    if form == "number":
        return size * draw(st.integers(1, 4))
    if form == "goal":
        start, days = _day(draw, base), draw(st.integers(3, 60))
        to = size * draw(st.sampled_from([2, 3] if kpi["better"] == "higher" else [0.25, 0.5]))
        return {"from": size, "to": to, "start": start, "by": start + timedelta(days=days)}
    if form == "growth":
        growth, over = draw(st.sampled_from(["10%", "-20%"])), draw(st.sampled_from(["previous", "same_last_year"]))
        return {"growth": growth, "over": over}
    return _entries(draw, base, kpi, size) if form == "dated" else None


def _entries(draw: _Draw, base: date, kpi: dict[str, Any], size: float) -> _Entries:
    first: dict[str, Any] = {"value": size} | draw(st.sampled_from([{}, {"until": _day(draw, base)}]))
    entries = [first, {"value": size * 2, "since": _day(draw, base)}]
    if "team" in kpi["scopes"]:
        team = draw(st.sampled_from(["North", "east"]))
        entries.append({"value": size * 1.5, "team": team} | draw(st.sampled_from([{}, {"since": base}])))
        entries.append({"per_team": size * 1.25, "since": _day(draw, base)})
        person = draw(st.sampled_from(_PERSONS))
        entries.append({"value": size / 2, "person": person, "since": _day(draw, base)})
        entries.append({"per_person": size / 4} | draw(st.sampled_from([{}, {"since": _day(draw, base)}])))
        entries += _shares(draw, base, kpi)
    chosen = draw(st.lists(st.integers(2, len(entries) - 1), max_size=3, unique=True)) if len(entries) > 2 else []
    return [*entries[:2], *(entries[index] for index in sorted(chosen))]


def _shares(draw: _Draw, base: date, kpi: dict[str, Any]) -> _Entries:
    """An equal and a named share, for what is no ratio and has teams."""
    is_ratio = "/" in VALUES[kpi["title"]][0] or kpi["title"] in MEANS
    if is_ratio or "team" not in kpi["scopes"]:
        return []
    equal: dict[str, Any] = {"share": "equal"} | draw(st.sampled_from([{}, {"since": _day(draw, base)}]))
    named = {"share": draw(st.sampled_from([{"North": "40%"}, {"North": "30%", "EAST": "25%"}]))}
    return draw(st.sampled_from([[equal], [named], [equal, named]]))  # type: ignore[no-any-return]


def _day(draw: _Draw, base: date) -> date:
    return base + timedelta(days=draw(st.integers(-12, 12)))
