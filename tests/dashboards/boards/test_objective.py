"""The objective's board: the points of its KPIs add up to its score."""

from __future__ import annotations

from pathlib import Path

from exporter import naming
from exporter.config.fields import Status
from tests.dashboards.example_series import SAMPLES, Series, query_failures, series
from tests.dashboards.generated import Json, dashboards, panel
from tests.dashboards.selectors import VARIABLE_VALUES, with_variables

INFO = {"period": "month", "better": "higher", "department": "Sales", "owner": "me", "unit": "count", "guard": ""}
HALF = SAMPLES // 2


def numbers(name: str, objective: str, status: Status, pace: str) -> Series:
    kpi_series = series(naming.INFO, 1, kpi=name, title=name, objective=objective, **INFO)
    for other in Status:
        kpi_series |= series(naming.STATUS, float(other is status), kpi=name, status=other.value)
    return kpi_series | series(naming.PACE_RATIO, pace, kpi=name)


KPIS = (
    numbers("revenue_won", "grow", Status.EXCEEDED, f"0.5x{HALF} 1.5x{HALF}")
    | numbers("win_rate", "grow", Status.OFF_TRACK, f"0.6x{SAMPLES}")
    | numbers("dated", "grow", Status.TOO_EARLY, f"0.1x{SAMPLES}")
    | numbers("waiting_time", "serve", Status.OFF_TRACK, f"0.1x{SAMPLES}")
)


def board() -> Json:
    return dashboards("full")["kpi-objective"]


def query(panel_id: int, ref: str) -> str:
    (expr,) = (q["expr"] for q in panel(board(), panel_id)["targets"] if q["refId"] == ref)
    return with_variables(expr, VARIABLE_VALUES | {"objective": "grow"}).replace("offset 7d", "offset 13h")


def test_the_points_of_the_kpis_with_a_verdict_add_up_to_the_score(tmp_path: Path) -> None:
    # two KPIs with a verdict and equal weights: 50 points each; 150 % counts as 100 %, 60 % as 30 points of 50
    expected: list[Series] = [{'{kpi="revenue_won"}': "50"}, {'{kpi="win_rate"}': "30"}]
    possible: list[Series] = [{'{kpi="revenue_won"}': "50"}, {'{kpi="win_rate"}': "50"}]
    failures = query_failures(tmp_path, KPIS, [(query(5, "N"), expected), (query(5, "O"), possible)])
    assert not failures, failures


def test_the_table_says_what_moved_the_score(tmp_path: Path) -> None:
    # revenue_won had 25 points of 50, half its plan
    moved: list[Series] = [{'{kpi="revenue_won"}': "25"}, {'{kpi="win_rate"}': "0"}]
    failures = query_failures(tmp_path, KPIS, [(query(5, "D"), moved)])
    assert not failures, failures


def test_the_objective_is_offered_by_its_title() -> None:
    (variable,) = board()["templating"]["list"]
    assert variable["current"] == {"selected": True, "text": "Grow", "value": "grow"}
    assert "Serve well" in variable["query"]["query"]


def test_an_objective_board_shows_score_points_kpis_and_history() -> None:
    titles = [entry["title"] for entry in board()["panels"]]
    assert titles == [
        "Score", "Since last week", "KPIs by status", "Its KPIs now", "How the score came about", "Score over time",
        "Its KPIs against plan", "Status history",
    ]  # fmt: skip
