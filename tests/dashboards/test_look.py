"""How Grafana shows units, statuses and lines."""

from __future__ import annotations

import re

import pytest

from dashboards.look import (
    LINES,
    code_mapping,
    line_colours,
    status_mapping,
    symbol_overrides,
    title_overrides,
    unit_look,
)
from exporter.config.fields import Status
from exporter.statuses import BLUE, GREEN, ORANGE, RED, STATUSES
from tests.dashboards.samples import HOSTILE, hostile, kpi, small


@pytest.mark.parametrize(
    ("unit", "grafana", "decimals", "factor"),
    [
        ("currency", "currency:CHF ", None, 1),  # CHF 1.28M
        ("ratio", "percent", 1, 100),  # 31.3 %
        ("seconds", "suffix: s", 0, 1),  # 33 s
        ("hours", "suffix: h", 1, 1),  # 9.4 h
        ("count", "locale", 0, 1),  # 2,150
        ("score", "none", 2, 1),  # 4.24
        ("number", "locale", 1, 1),
        ("points", "suffix: pts", 1, 1),
        ("visits", "suffix: visits", 1, 1),
    ],
)
def test_numbers_have_the_decimals_of_their_unit(unit: str, grafana: str, decimals: int | None, factor: int) -> None:
    look = unit_look(unit, "CHF")
    assert (look.id, look.decimals, look.factor) == (grafana, decimals, factor)


def test_a_status_pill_finds_its_colour_by_name_and_by_the_words_that_it_shows() -> None:
    options = status_mapping(small())["options"]
    for spec in STATUSES.values():
        shown = options[spec.status.value]
        assert shown["text"] == f"{spec.symbol} {spec.label}"
        assert options[shown["text"]]["text"] == shown["text"]
        assert options[shown["text"]]["color"] == shown["color"]
    assert next(iter(options)) == "off_track"
    assert [entry["index"] for entry in options.values()] == list(range(len(options)))


def test_a_status_has_the_same_colour_in_tables_and_on_tiles() -> None:
    options = status_mapping(small())["options"]
    tiles = {o["matcher"]["options"]: o["properties"][0]["value"]["fixedColor"] for o in symbol_overrides(small())}
    assert tiles == {f"/^{spec.symbol}/": options[spec.status.value]["color"] for spec in STATUSES.values()}
    assert set(tiles.values()) == {"red", "orange", "blue", "#8e8e8e"}


def test_bands_over_time_tell_exceeded_from_on_track_without_a_symbol() -> None:
    options = code_mapping(small())["options"]
    codes = {spec.status: str(spec.code) for spec in STATUSES.values()}
    assert options[codes[Status.EXCEEDED]]["color"] == "dark-blue"
    assert options[codes[Status.ON_TRACK]]["color"] == "blue"
    assert options[codes[Status.EXCEEDED]]["text"] == "▲ exceeded"


def test_a_tile_has_the_unit_of_the_kpi_with_its_title_whatever_the_title_contains() -> None:
    config = hostile()
    overrides = title_overrides(config, config.kpis)
    for index, title in enumerate(HOSTILE):
        matches = [o for o in overrides if re.search(o["matcher"]["options"].strip("/"), f"▼ {title}")]
        (override,) = matches
        assert {"id": "unit", "value": unit_look(config.unit(config.kpis[index]), "").id} in override["properties"]
        assert not re.search(override["matcher"]["options"].strip("/"), f"▼ {title} and more")


def test_a_slash_in_a_title_does_not_end_the_pattern() -> None:
    config = small(kpis=[kpi("calls", title="Calls / day (all) + more")])
    (override,) = title_overrides(config, config.kpis)
    assert override["matcher"]["options"] == r"/^. (Calls \/ day \(all\) \+ more)$/"


def test_there_is_one_override_for_each_unit_however_many_kpis_there_are() -> None:
    config = small(kpis=[kpi(f"kpi_{number}") for number in range(200)])
    assert len(title_overrides(config, config.kpis)) == 1


def test_lines_are_coloured_by_name_and_never_like_a_status() -> None:
    overrides = line_colours([f"KPI {number}" for number in range(10)])
    assert [o["matcher"] for o in overrides[:2]] == [
        {"id": "byName", "options": "KPI 0"},
        {"id": "byName", "options": "KPI 1"},
    ]
    assert overrides[8]["properties"] == overrides[0]["properties"], "colours repeat"
    status_colours = {shade for c in (RED, ORANGE, BLUE, GREEN) for shade in (c.light, c.dark)}
    assert status_colours.isdisjoint(LINES)
