"""The leaderboard: scores, places, and who improved, from the numbers of the KPIs themselves."""

from __future__ import annotations

import json
from pathlib import Path

from dashboards.boards.leaderboard import gain, score
from dashboards.selection import Selection
from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import scoped
from tests.dashboards.example_series import SAMPLES, Series, query_failures, series
from tests.dashboards.generated import dashboards, expressions, panel
from tests.dashboards.selectors import selectors

PEOPLE = Selection(Scope.PERSON)
PACE = scoped(naming.PACE_RATIO, Scope.PERSON)


def pace(person: str, kpi: str, values: float | str) -> Series:
    return series(PACE, values, kpi=kpi, team="North", person=person)


def test_a_score_is_the_mean_against_plan_and_no_kpi_counts_more_than_120_percent(tmp_path: Path) -> None:
    numbers = pace("Zoë", "a", 3) | pace("Zoë", "b", 0.6) | pace("Ann", "a", -1)
    expected: list[Series] = [{'{team="North",person="Zoë"}': "0.9"}, {'{team="North",person="Ann"}': "0"}]
    failures = query_failures(tmp_path, numbers, [(f"round({score(PEOPLE)}, 0.001)", expected)])
    assert not failures, failures


def test_a_gain_compares_with_the_history_of_the_kpis_and_is_absent_without_one(tmp_path: Path) -> None:
    half = SAMPLES // 2
    numbers = pace("Zoë", "a", f"0.5x{half} 0.8x{half}") | pace("Ann", "a", f"_x{half} 0.9x{half}")
    half_a_day_for_a_week = gain(PEOPLE).replace("offset 7d", "offset 13h")
    failures = query_failures(
        tmp_path, numbers, [(f"round({half_a_day_for_a_week})", [{'{team="North",person="Zoë"}': "30"}])]
    )
    assert not failures, failures


def test_no_recorded_series_is_needed_so_that_backfilled_history_is_enough() -> None:
    exposed = {scoped(family, Scope.PERSON).name for family in naming.SCOPED} | {naming.INFO.name, naming.STATUS.name}
    for position, expr in expressions(dashboards("full")["kpi-leaderboard"]):
        assert {name for name, _ in selectors(expr)} <= exposed, position


def test_praise_has_no_status_colours() -> None:
    board = json.dumps([entry["fieldConfig"] for entry in dashboards("full")["kpi-leaderboard"]["panels"]])
    for colour in ("red", "orange", "blue", "green"):
        assert f'"{colour}"' not in board
    assert "thresholds" in board
    assert "pill" not in board


def test_places_are_counted_after_sorting() -> None:
    steps = [step["id"] for step in panel(dashboards("full")["kpi-leaderboard"], 1)["transformations"]]
    assert steps == [
        "timeSeriesTable", "joinByField", "calculateField", "sortBy", "calculateField", "calculateField",
        "filterFieldsByName", "organize",
    ]  # fmt: skip
