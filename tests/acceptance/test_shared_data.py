"""Extras on shared real data: two data sets through the command line, against their published totals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.values import evaluation, values
from tests.command_line import RunCli
from tests.programs import shared

QUARTERS = ("2017-03-31", "2017-06-30", "2017-09-30", "2017-12-31")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_the_pipeline_of_a_hardware_seller(run_cli: RunCli, data: Path) -> None:
    config = shared("acceptance", "crm_sales.yaml")
    ends = [values(run_cli, config, data, f"{day}T23:59:59") for day in QUARTERS]
    assert [f.metric("deals_won", "quarter") for f in ends] == [531, 1254, 1257, 1196]
    assert sum(f.metric("revenue_won", "quarter") for f in ends) == 10_005_534
    last = ends[-1]
    assert last.metric("deals_won", "year") == 4238
    assert last.metric("deals_closed", "year") == 4238 + 2473
    rate = last.kpi("win_rate")
    assert rate["value"] == pytest.approx(4238 / 6711)
    assert (rate["target_ratio"], rate["status"]) == (1.0, "on_track")
    revenue = last.kpi("quarterly_revenue")
    assert revenue["value"] == last.metric("revenue_won", "quarter")
    assert revenue["target_ratio"] == pytest.approx(revenue["value"] / 3_000_000)
    for scope in ("team", "person"):
        assert sum(last.by("quarterly_revenue", scope).values()) == revenue["value"]
    assert [*last.by("win_rate", "team")] == ["Central", "East", "West"]


def test_open_deals_are_dated_or_counted_as_undated(run_cli: RunCli, data: Path) -> None:
    config = shared("acceptance", "crm_sales.yaml")
    last = values(run_cli, config, data, "2018-01-01T00:00:00")
    undated = evaluation(config, data, "2018-01-01T05:00:00+00:00").undated
    assert last.metric("open_deals", None) + undated["deals", "created_at"] == 2089


MONTHS = ("2021-01-31", "2021-02-28", "2021-03-31")


def test_the_call_log_of_a_telecom(run_cli: RunCli, data: Path) -> None:
    config = shared("acceptance", "call_center.yaml")
    ends = [values(run_cli, config, data, f"{day}T23:59:59") for day in MONTHS]
    last = ends[-1]
    assert sum(f.metric("calls_received", "month") for f in ends) == 5000
    answered = last.metric("calls_answered", "quarter")
    assert answered == sum(f.metric("calls_answered", "month") for f in ends) == 4054
    assert 5000 - answered == 946
    assert last.metric("calls_resolved", "quarter") == 3646
    assert last.metric("speed_of_answer", "quarter") == pytest.approx(67.52, abs=0.005)
    talked = sum(f.metric("talk_time", "month") * f.metric("calls_answered", "month") for f in ends)
    assert talked / answered == pytest.approx(224.92, abs=0.005)
    assert last.metric("satisfaction", "quarter") == pytest.approx(3.40, abs=0.005)
    assert last.kpi("resolution_rate")["value"] == pytest.approx(3646 / 4054)
    speed = last.kpi("average_speed_of_answer")
    assert speed["target_ratio"] == pytest.approx(2 - speed["value"] / 60)


def test_dated_targets_and_topics_of_the_call_log(run_cli: RunCli, data: Path) -> None:
    config = shared("acceptance", "call_center.yaml")
    february, march = (values(run_cli, config, data, f"{day}T23:59:59") for day in MONTHS[1:])
    assert february.kpi("service_level")["target"] == pytest.approx(0.40)
    assert march.kpi("service_level")["target"] == pytest.approx(0.45)
    assert [*march.by("service_level", "person")] == [
        "Becky",
        "Dan",
        "Diane",
        "Greg",
        "Jim",
        "Joe",
        "Martha",
        "Stewart",
    ]
    topics = march.split("calls_by_topic", "month", "topic")
    assert len(topics) == 5
    assert sum(topics.values()) == march.metric("calls_received", "month")
