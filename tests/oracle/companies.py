"""Generated companies: the config as YAML text, with zones that change their clocks, several currencies, moving teams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.oracle.freshness import READS
from tests.oracle.generated_kpis import generated_kpi
from tests.oracle.kpis import Formulas
from tests.oracle.metric_pool import METRICS, VALUES

BASES = (
    date(2024, 3, 29),
    date(2024, 4, 5),
    date(2024, 4, 24),
    date(2024, 9, 6),
    date(2024, 10, 25),
    date(2023, 12, 28),
    date(2024, 2, 27),
)
"""Dates around which companies live: clock changes, ends of years, and a leap day."""

ZONES = (
    "Europe/Zurich", "America/Santiago", "Africa/Cairo", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
)  # fmt: skip
"""Clocks that change at night, at midnight, by half an hour, and never; offsets in quarters of an hour."""

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def configs(draw: Draw, base: date) -> dict[str, Any]:
    """The config of a company that lives around `base`, as plain data."""
    values = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=2, max_size=4, unique=True))
    company = _company(draw, base)
    kpis: list[dict[str, Any]] = []
    for name in values:
        kpis.append(generated_kpi(draw, base, name, kpis))
    used = {metric for kpi in kpis for metric in Formulas.names(kpi)}
    others = draw(st.lists(st.sampled_from(METRICS), min_size=2, max_size=4, unique_by=lambda metric: metric["name"]))
    used |= {metric["name"] for metric in others}
    return {
        "company": company,
        "sources": [
            {"name": name, "provider": "push", "token": {"env": "TOKEN"}, "entities": list(entities)}
            | draw(st.sampled_from([{}, {"stale_after": "90d"}]))
            for name, entities in READS.items()
        ],
        "teams": _teams(draw, base),
        "metrics": [{"title": metric["name"], **metric} for metric in METRICS if metric["name"] in used],
        "objectives": [{"name": name, "title": name, "owner": "o"} for name in ("o", "p")],
        "kpis": kpis,
    }


def yaml_of(config: dict[str, Any]) -> str:
    """The config as its text."""
    return yaml.dump(config, Dumper=yaml.CSafeDumper, sort_keys=False)


def _company(draw: Draw, base: date) -> dict[str, Any]:
    company: dict[str, Any] = {
        "name": "Example",
        "timezone": draw(st.sampled_from(ZONES)),
        "currency": "EUR",
        "week_starts": draw(st.sampled_from(["monday", "sunday"])),
        "fiscal_year_starts": draw(st.sampled_from(["january", "april", "october"])),
        "rates": {"USD": _dated(draw, base, [0.9, 0.8], "rate"), "JPY": 0.006},
    }
    if draw(st.booleans()):
        week = ["mon", "tue", "wed", "thu", "fri"]
        company["workdays"] = draw(st.sampled_from([week, ["sun", "mon"]]))
        if draw(st.booleans()):
            company["workdays"] = _dated(draw, base, [week, ["tue", "sun"]])
        company["holidays"] = {"dates": [_day(draw, base)]}
        morning, day = ({"opens": "08:30", "closes": "12:00"}, {"opens": "06:00", "closes": "17:00"})
        company["hours"] = _dated(draw, base, [morning, day]) if draw(st.booleans()) else day
    if draw(st.booleans()):
        wide = {"exceeded": 1.2, "on_track": 1.0, "at_risk": 0.5}
        company["bands"] = _dated(draw, base, [wide, {"at_risk": 0.95}]) if draw(st.booleans()) else wide
    return company


def _teams(draw: Draw, base: date) -> list[dict[str, Any]]:
    """Two teams; Bob may move from one to the other."""
    north = [_member(draw, base, "Bob"), _member(draw, base, "ann@x.io")]
    east = [_member(draw, base, "Cleo"), _member(draw, base, "zed")]
    if draw(st.booleans()):
        moved = _day(draw, base)
        north[0] = {"person": draw(st.sampled_from(["Bob", "bob@x.io", "BOB"])), "until": moved}
        east.append({"person": "Bob", "since": moved + timedelta(days=draw(st.integers(1, 3)))})
    return [{"name": "North", "members": north}, {"name": "East", "members": east}]


def _member(draw: Draw, base: date, person: str) -> dict[str, Any]:
    since, until = sorted([_day(draw, base), _day(draw, base)])
    keys = draw(st.sampled_from([(), ("since",), ("until",), ("since", "until")]))
    return {"person": person, **{key: day for key, day in (("since", since), ("until", until)) if key in keys}}


def _dated(draw: Draw, base: date, values: list[Any], key: str = "is") -> list[dict[str, Any]]:
    """The values, each from a later date than the one before; the first from a date or always."""
    days = sorted({_day(draw, base) for _ in values})
    entries: list[dict[str, Any]] = [{key: value, "since": day} for value, day in zip(values, days, strict=False)]
    if draw(st.booleans()):
        del entries[0]["since"]
    return entries


def _day(draw: Draw, base: date) -> date:
    return base + timedelta(days=draw(st.integers(-12, 12)))
