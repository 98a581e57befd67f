"""Accessors of the config as a whole."""

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
METRICS += [
    {"name": "resolved", "title": "R", "entity": "calls", "at": "started_at", "mean": "resolved"},
    {"name": "share", "title": "S", "entity": "calls", "at": "started_at", "mean": "resolved", "unit": "ratio"},
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
    built = of(value=value)
    kpi = built.kpis[0]
    kinds = {"flow": built.is_flow(kpi), "level": built.is_level(kpi), "ratio": built.is_ratio(kpi)}
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
def test_the_default_pace_depends_on_the_kind_of_value(
    company: dict[str, Any], kpi: dict[str, Any], pace: Pace
) -> None:
    built = of(company, **kpi)
    assert built.pace(built.kpis[0]) is pace


def test_units_are_configured_or_follow_from_metrics() -> None:
    assert [of(**kpi).unit(of(**kpi).kpis[0]) for kpi in ({}, {"unit": "deals"}, {"value": "revenue / won"})] == [
        "count",
        "deals",
        "currency",
    ]
    assert of(value="revenue + won").unit(of(value="revenue + won").kpis[0]) == "count"


@pytest.mark.parametrize(
    ("unit", "fits"), [("ratio", True), ("seconds", True), ("score", True), ("points", True), ("deals", False)]
)
def test_a_target_in_some_units_fits_every_scope(unit: str, fits: bool) -> None:
    built = of(unit=unit, target=40)
    assert built.applies_to_all(built.kpis[0]) is fits


def test_a_percentage_is_shown_only_where_somebody_asks_for_it() -> None:
    kpis = ({}, {"unit": "ratio"}, {"value": "resolved"}, {"value": "share"}, {"value": "1 - share"})
    configs = [of(**{"value": "won / closed", **kpi}) for kpi in kpis]
    assert [built.unit(built.kpis[0]) for built in configs] == ["number", "ratio", "number", "ratio", "ratio"]


def test_bands_are_the_kpi_s_or_the_company_s() -> None:
    assert of().bands(of().kpis[0]).latest.exceeded == 1.1
    own = of({"bands": {"exceeded": 1.3}}, bands={"exceeded": 1.2})
    assert own.bands(own.kpis[0]).latest.exceeded == 1.2
    general = of({"bands": {"exceeded": 1.3}})
    assert general.bands(general.kpis[0]).latest.exceeded == 1.3


def test_definitions_are_accessible_by_name() -> None:
    built = of()
    assert built.metric_by_name["open"].is_level
    assert built.kpi_by_name["deals"] is built.kpis[0]


def test_a_config_without_a_file_has_no_lines() -> None:
    built = of()
    assert (built.base, built.origin) == (Path(), NO_FILE)
    assert str(built.origin.problem(("kpis", 0), "odd")) == "config: kpis[0]: odd"


def test_a_located_config_is_equal_but_for_its_base() -> None:
    built = of()
    located = built.located_in(Path("/etc/kpi"))
    assert located.base == Path("/etc/kpi")
    assert located.kpis is built.kpis
    assert built.base == Path()
