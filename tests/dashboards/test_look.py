"""How Grafana shows the units of the config."""

from __future__ import annotations

import pytest

from dashboards.look import unit_id, unit_mapping
from tests.dashboards.samples import small


@pytest.mark.parametrize(
    ("unit", "grafana"),
    [
        ("count", "locale"),
        ("ratio", "percentunit"),
        ("currency", "currencyCHF"),
        ("seconds", "s"),
        ("score", "none"),
        ("number", "locale"),
        ("points", "suffix:pts"),
        ("visits", "suffix:visits"),
    ],
)
def test_every_unit_has_a_name_in_grafana(unit: str, grafana: str) -> None:
    assert unit_id(unit, "CHF") == grafana


def test_a_table_shows_points_as_pts() -> None:
    assert unit_mapping(small())["options"]["points"]["text"] == "pts"
