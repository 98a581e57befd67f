"""The config as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Pace
from exporter.config.positions import NO_FILE
from exporter.config.root import Config
from tests.config.minimal import config

METRICS: list[dict[str, Any]] = [
    {"name": "closed", "title": "C", "entity": "deals", "at": "closed_at", "count": "rows"},
    {"name": "revenue", "title": "R", "entity": "deals", "at": "closed_at", "sum": "amount"},
    {"name": "size", "title": "S", "entity": "deals", "at": "closed_at", "mean": "amount"},
    {
        "name": "open",
        "title": "O",
        "entity": "deals",
        "during": {"from": "created_at", "until": "closed_at"},
        "count": "rows",
    },
]
GOAL = {"from": 1, "to": 2, "start": "2026-01-01", "by": "2026-12-31"}


def of(company: dict[str, Any] | None = None, **kpi: Any) -> Config:
    named = {"name": "Acme", "timezone": "UTC", **(company or {})}
    return config(kpi, metrics=METRICS, company=named)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("won", "flow"),
        ("won + closed", "flow"),
        ("won - revenue / 2", "flow"),
        ("won / closed", "ratio"),
        ("size", "ratio"),
        ("open", "level"),
        ("2 * open", "level"),
        ("open / won", "ratio"),
        ("open + won", "flow"),
    ],
)
def test_a_kpi_is_a_flow_a_level_or_a_ratio(value: str, kind: str) -> None:
    found = of(value=value)
    kpi = found.kpis[0]
    kinds = {"flow": found.is_flow(kpi), "level": found.is_level(kpi), "ratio": found.is_ratio(kpi)}
    assert [name for name, holds in kinds.items() if holds] == [kind]


@pytest.mark.parametrize(
    ("company", "kpi", "pace"),
    [
        ({}, {}, Pace.LINEAR),
        ({"workdays": ["mon"]}, {}, Pace.WORKDAYS),
        ({"workdays": ["mon"]}, {"pace": "none"}, Pace.NONE),
        ({"workdays": ["mon"]}, {"value": "open"}, Pace.NONE),
        ({}, {"value": "open", "target": GOAL}, Pace.LINEAR),
        ({}, {"value": "won / closed", "target": 0.5}, Pace.NONE),
    ],
)
def test_the_pace_follows_from_the_kind_of_value(company: dict[str, Any], kpi: dict[str, Any], pace: Pace) -> None:
    found = of(company, **kpi)
    assert found.pace(found.kpis[0]) is pace


def test_units_are_named_or_follow() -> None:
    assert [of(**kpi).unit(of(**kpi).kpis[0]) for kpi in ({}, {"unit": "deals"}, {"value": "revenue / won"})] == [
        "count",
        "deals",
        "currency",
    ]
    assert of(value="revenue + won").unit(of(value="revenue + won").kpis[0]) == "count"


def test_bands_are_the_kpi_s_or_the_company_s() -> None:
    assert of().bands(of().kpis[0]).exceeded == 1.1
    own = of({"bands": {"exceeded": 1.3}}, bands={"exceeded": 1.2})
    assert own.bands(own.kpis[0]).exceeded == 1.2
    general = of({"bands": {"exceeded": 1.3}})
    assert general.bands(general.kpis[0]).exceeded == 1.3


def test_definitions_are_found_by_name() -> None:
    found = of()
    assert found.metric_by_name["open"].is_level
    assert found.kpi_by_name["deals"] is found.kpis[0]


def test_a_config_from_no_file_stands_nowhere() -> None:
    found = of()
    assert (found.base, found.origin) == (Path(), NO_FILE)
    assert str(found.origin.problem(("kpis", 0), "odd")) == "config: kpis[0]: odd"


def test_a_located_config_is_the_same_elsewhere() -> None:
    found = of()
    located = found.located_in(Path("/etc/kpi"))
    assert located.base == Path("/etc/kpi")
    assert located.kpis is found.kpis
    assert found.base == Path()
