"""What charts show of stored history: every step of every time range, in every time zone, and honest gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dashboards.expressions import against_plan, on_plan_share
from dashboards.generate import dashboard_files
from dashboards.promql import equals
from dashboards.selection import Selection
from dashboards.site import Site
from exporter import naming
from exporter.backfill.steps import HOURLY, history_steps
from exporter.config.fields import Status
from exporter.config.root import Config
from exporter.naming import Family
from tests.dashboards.checks.boards import panels_of
from tests.dashboards.checks.shape import duration
from tests.dashboards.example_series import series
from tests.dashboards.samples import kpi, small
from tests.dashboards.selectors import with_variables
from tests.dashboards.stored_history import Request, Samples, answer, prometheus_with

END = datetime(2026, 6, 30, 9, tzinfo=UTC)
BEGIN = END - timedelta(days=735)
RANGES = {
    "an hour": timedelta(hours=1), "six hours": timedelta(hours=6), "a day": timedelta(days=1),
    "a week": timedelta(days=7), "a month": timedelta(days=30), "a quarter": timedelta(days=90),
    "a year": timedelta(days=365), "two years": timedelta(days=730),
}  # fmt: skip
ZONES = ("UTC", "Europe/Zurich", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York")
BOARDS = ("kpi-overview", "kpi-dept-sales", "kpi-dept-service")
GAP = (END - timedelta(days=20), END - timedelta(days=20) + timedelta(hours=10))
"""When the KPI `late` has no data, in hourly history."""


def company() -> Config:
    """Two KPIs of two objectives and departments."""
    return small(
        objectives=[
            {"name": "grow", "title": "Grow", "owner": "owner@example.com"},
            {"name": "serve", "title": "Serve", "owner": "owner@example.com"},
        ],
        kpis=[kpi("deals"), kpi("late", objective="serve", department="Service")],
    )


def history(config: Config) -> Samples:
    """Constant series at the steps of a backfill; the KPI `late` has no data for ten hours."""
    steps = history_steps(BEGIN, END, config.company.timezone)
    samples: dict[str, list[tuple[datetime, float]]] = {}

    def store(family: Family, value: float, at: list[datetime], **labels: str) -> None:
        (name, _) = series(family, value, **labels)
        samples[name.replace(',job="kpi",instance="a:9940"', "")] = [(step, value) for step in at]

    for entry in config.kpis:
        present = [step for step in steps if entry.name != "late" or not GAP[0] <= step < GAP[1]]
        labels = {"title": entry.title, "unit": "count", "period": "month", "better": "higher"}
        owner = {"objective": entry.objective, "department": entry.department, "owner": entry.owner}
        store(naming.INFO, 1, steps, kpi=entry.name, **labels, **owner)
        for status in Status:
            store(naming.STATUS, float(status is Status.AT_RISK), steps, kpi=entry.name, status=status.value)
        for family in (naming.VALUE, naming.PACE_RATIO, naming.TARGET_RATIO, naming.TARGET):
            store(family, 0.9, present, kpi=entry.name)
    for objective in config.objectives:
        store(naming.OBJECTIVE_SCORE, 0.9, steps, objective=objective.name)
    return samples


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with prometheus_with(history(company()), tmp_path_factory.mktemp("history")) as port:
        yield port


def variables(request: Request) -> dict[str, str]:
    return {"__to": str(round(END.timestamp())), "__interval_ms": str(request.step * 1000)}


def charts() -> Iterator[tuple[str, str, int]]:
    """Title, query and shortest step of every chart over time."""
    for board in dashboard_files(Site(company())):
        if board.json["uid"] in BOARDS:
            for panel in panels_of(board.json):
                if panel["type"] in ("timeseries", "state-timeline"):
                    for query in panel["targets"]:
                        least = duration(query.get("interval") or panel.get("interval") or "15s")
                        yield f"{board.json['uid']}: {panel['title']}", query["expr"], round(least or 0)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("span", RANGES)
@pytest.mark.parametrize("width", [1500, 360])
def test_a_chart_has_a_point_at_every_step(port: int, zone: str, span: str, width: int) -> None:
    for title, expr, least in charts():
        request = Request.of(END, RANGES[span], zone, least=least, width=width)
        found = answer(port, with_variables(expr, variables(request)), request)
        assert found, title
        whole = [entry for entry in found if entry["metric"].get("title") != "Late"]
        assert {len(entry["values"]) for entry in whole} <= {request.steps}, f"{title}: of {request.steps} steps"
        assert request.steps > 10 or "Status" in title, f"{title}: the shortest step leaves no line"


def test_no_data_of_some_hours_stays_a_gap(port: int) -> None:
    request = Request.of(END, timedelta(days=30), "Asia/Kolkata", least=3600)
    value = with_variables(Selection(matchers=(equals("kpi", "late"),)).over_time.latest(naming.VALUE))
    (found,) = answer(port, value, request)
    instants = {datetime.fromtimestamp(at, UTC) for at, _ in found["values"]}
    missing = {datetime.fromtimestamp(at, UTC) for at in range(request.start, request.end + 1, 3600)} - instants
    half_past = GAP[0] + timedelta(minutes=30)
    assert missing == {half_past + timedelta(hours=hour) for hour in range(1, 10)}, "only two hours are bridged"


def test_daily_history_is_bridged_where_a_year_begins_and_hourly_history_ends(port: int) -> None:
    request = Request.of(END - HOURLY + timedelta(days=2), timedelta(days=4), "Asia/Kolkata", least=1800)
    (found,) = [
        entry
        for entry in answer(port, with_variables(against_plan(Selection().over_time)), request)
        if entry["metric"]["kpi"] == "deals"
    ]
    assert len(found["values"]) == request.steps


def test_a_department_has_its_share_on_plan_at_every_step(port: int) -> None:
    request = Request.of(END, timedelta(days=365), "Europe/Zurich")
    selection = Selection(where=(equals("department", "Sales"),)).over_time
    (found,) = answer(port, with_variables(on_plan_share(selection), variables(request)), request)
    assert len(found["values"]) == request.steps
    assert {value for _, value in found["values"]} == {"0"}
