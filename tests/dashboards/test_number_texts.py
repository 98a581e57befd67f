"""Numbers as text, as Prometheus itself writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.number_texts import literal_text, number_text
from dashboards.selection import Selection
from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import scoped
from tests.dashboards.example_series import query_failures, series
from tests.dashboards.samples import kpi, metric, small

INFO = {
    "period": "month", "better": "higher", "objective": "grow", "department": "Sales", "owner": "me", "title": "T",
}  # fmt: skip


def text_failures(tmp_path: Path, unit: str, texts: dict[float, str]) -> str:
    """What promtool reports if each number of a KPI with this unit is not written as this text."""
    names = {f"kpi_{index}": number for index, number in enumerate(texts)}
    config = small(metrics=[metric("won", unit=unit)], kpis=[kpi(name, unit=unit) for name in names])
    numbers = {}
    for name, number in names.items():
        numbers |= series(naming.INFO, 1, kpi=name, unit=unit, **INFO) | series(naming.VALUE, number, kpi=name)
    expected = [{f'{{kpi="{name}",v="{texts[number]}"}}': "1"} for name, number in names.items()]
    return query_failures(tmp_path, numbers, [(number_text(config, Selection(), naming.VALUE, "v"), expected)])


@pytest.mark.parametrize(
    ("unit", "texts"),
    [
        (
            "currency",
            {
                0.4: "CHF 0", 999.4: "CHF 999", 999.6: "CHF 1K", 8796: "CHF 8.8K", 407_400: "CHF 407K",
                999_600: "CHF 1M", 1_278_000: "CHF 1.28M", 2_500_000_000: "CHF 2.5B", -50_000: "CHF -50000",
            },
        ),
        ("ratio", {0.3133: "31.3 %", 1: "100 %", 0.99961: "100 %", 0.9994: "99.9 %"}),
        ("seconds", {32.9: "33 s", 119.4: "119 s", 300: "5 min", 33_840: "9.4 h"}),
        ("count", {0: "0", 947.16: "947", 2150: "2,150", 1_234_567: "1,234,567", -1500: "-1,500", -150: "-150"}),
        ("score", {4.2381: "4.24", 4: "4"}),
        ("number", {0.3133: "0.31", 12.34: "12.3", 12_340.4: "12,340"}),
        ("points", {36.44: "36.4 pts"}),
        ("hours", {9.44: "9.4 h", 100: "100 h"}),
        ("visits", {1500: "1,500 visits", 7: "7 visits"}),
    ],
)  # fmt: skip
def test_a_number_is_written_with_three_digits_and_its_unit(tmp_path: Path, unit: str, texts: dict[float, str]) -> None:
    failures = text_failures(tmp_path, unit, texts)
    assert not failures, failures
    assert {number: literal_text(number, unit, "CHF") for number in texts} == texts


def test_a_unit_of_dollars_and_brackets_is_written_literally(tmp_path: Path) -> None:
    failures = text_failures(tmp_path, "$1 [[kpi]]", {2: "2 $1 [[kpi]]"})
    assert not failures, failures


def test_only_the_units_of_the_config_are_asked_for() -> None:
    config = small(kpis=[kpi("deals"), kpi("rate", value="won / closed", unit="ratio", scopes=["company", "team"])])
    text = number_text(config, Selection(Scope.TEAM), naming.VALUE, "v")
    assert 'unit="ratio"' in text
    assert 'unit="count"' not in text, "no KPI with a count is measured by team"


def test_values_of_teams_are_written_by_team(tmp_path: Path) -> None:
    config = small(kpis=[kpi("deals", scopes=["company", "team"])])
    family = scoped(naming.VALUE, Scope.TEAM)
    numbers = series(naming.INFO, 1, kpi="deals", unit="count", **INFO)
    numbers |= series(family, 1200, kpi="deals", team="North")
    text = number_text(config, Selection(Scope.TEAM), naming.VALUE, "v", ("team",))
    failures = query_failures(tmp_path, numbers, [(text, [{'{team="North",v="1,200"}': "1"}])])
    assert not failures, failures
