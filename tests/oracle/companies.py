"""Generated companies: the config as YAML text, with zones that change their clocks, several currencies, moving teams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.oracle.freshness import READS
from tests.oracle.metric_pool import METRICS, VALUES

BASES = (
    date(2024, 3, 29),
    date(2024, 4, 5),
    date(2024, 9, 6),
    date(2024, 10, 25),
    date(2023, 12, 28),
    date(2024, 2, 27),
)
"""Dates around which companies live: clock changes, ends of years, and a leap day."""

ZONES = ("Europe/Zurich", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York")

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def configs(draw: Draw, base: date) -> str:
    """The YAML of a company that lives around `base`."""
    values = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=3, max_size=5, unique=True))
    config = {
        "company": _company(draw, base),
        "sources": [
            {"name": name, "provider": "push", "token": {"env": "TOKEN"}, "entities": list(entities)}
            | draw(st.sampled_from([{}, {"stale_after": "90d"}]))
            for name, entities in READS.items()
        ],
        "teams": [
            {"name": "North", "members": [_member(draw, base, "Bob"), _member(draw, base, "ann@x.io")]},
            {"name": "East", "members": [_member(draw, base, "Cleo"), _member(draw, base, "zed")]},
        ],
        "metrics": [{"title": metric["name"], **metric} for metric in METRICS],
        "objectives": [{"name": "o", "title": "o", "owner": "o"}],
        "kpis": [_kpi(draw, base, name) for name in values],
    }
    return yaml.safe_dump(config, sort_keys=False)


def _company(draw: Draw, base: date) -> dict[str, Any]:
    company: dict[str, Any] = {
        "name": "Example",
        "timezone": draw(st.sampled_from(ZONES)),
        "currency": "EUR",
        "week_starts": draw(st.sampled_from(["monday", "sunday"])),
        "fiscal_year_starts": draw(st.sampled_from(["january", "april", "october"])),
        "rates": {
            "USD": [{"rate": 0.9, "since": _day(draw, base)}, {"rate": 0.8, "since": _day(draw, base)}],
            "JPY": 0.006,
        },
    }
    if company["rates"]["USD"][0]["since"] == company["rates"]["USD"][1]["since"]:
        del company["rates"]["USD"][1]
    if draw(st.booleans()):
        company["workdays"] = draw(st.sampled_from([["mon", "tue", "wed", "thu", "fri"], ["sun", "mon"]]))
        company["hours"] = {"opens": "08:30", "closes": "17:00"}
        company["holidays"] = {"dates": [_day(draw, base)]}
    if draw(st.booleans()):
        company["bands"] = {"exceeded": 1.2, "on_track": 1.0, "at_risk": 0.5}
    return company


def _member(draw: Draw, base: date, person: str) -> dict[str, Any]:
    since, until = sorted([_day(draw, base), _day(draw, base)])
    keys = draw(st.sampled_from([(), ("since",), ("until",), ("since", "until")]))
    return {"person": person, **{key: day for key, day in (("since", since), ("until", until)) if key in keys}}


def _kpi(draw: Draw, base: date, name: str) -> dict[str, Any]:
    value, unit, scopes, size = VALUES[name]
    kpi: dict[str, Any] = {
        "name": f"kpi_{name}", "title": name, "objective": "o", "department": "d", "owner": "o", "why": "w",
        "value": value, "unit": unit, "period": draw(st.sampled_from(["day", "week", "month", "quarter", "year"])),
        "better": draw(st.sampled_from(["higher", "lower", "within"])), "scopes": list(scopes),
    }  # fmt: skip
    target = _range_target(draw, size) if kpi["better"] == "within" else _target(draw, base, kpi, size)
    if target is not None:
        kpi["target"] = target
    options = {
        "pace": st.sampled_from(["linear", "workdays", "none"]),
        "scale": st.sampled_from([size, size * 3]),
        "min_sample": st.sampled_from([0, 3]),
        "min_elapsed": st.sampled_from([0, 0.5]),
        "bands": st.just({"exceeded": 1.5, "on_track": 0.8, "at_risk": 0.7}),
    }
    return kpi | {key: draw(choice) for key, choice in options.items() if draw(st.sampled_from([False, False, True]))}


def _range_target(draw: Draw, size: float) -> Any:
    return draw(st.sampled_from([{"within": [size, size * 3]}, [{"within": [size, size * 2]}]]))


def _target(draw: Draw, base: date, kpi: dict[str, Any], size: float) -> Any:
    form = draw(st.sampled_from(["none", "number", "goal", "growth", "dated", "dated"]))
    if form == "number":
        return size * draw(st.integers(1, 4))
    if form == "goal":
        start, days = _day(draw, base), draw(st.integers(3, 60))
        to = size * draw(st.sampled_from([2, 3] if kpi["better"] == "higher" else [0.25, 0.5]))
        return {"from": size, "to": to, "start": start, "by": start + timedelta(days=days)}
    if form == "growth":
        return {
            "growth": draw(st.sampled_from(["10%", "-20%"])),
            "over": draw(st.sampled_from(["previous", "same_last_year"])),
        }
    if form == "dated":
        return _entries(draw, base, kpi, size)
    return None


def _entries(draw: Draw, base: date, kpi: dict[str, Any], size: float) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [{"value": size}, {"value": size * 2, "since": _day(draw, base)}]
    if "team" in kpi["scopes"] and draw(st.booleans()):
        entries.append({"value": size * 1.5, "team": "North"} | draw(st.sampled_from([{}, {"since": base}])))
    if "person" in kpi["scopes"] and draw(st.booleans()):
        entries.append({"value": size / 2, "person": "Ann", "since": _day(draw, base)})
    return entries


def _day(draw: Draw, base: date) -> date:
    return base + timedelta(days=draw(st.integers(-12, 12)))
