"""Three months of calls through the command line, against totals worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.configs import acceptance_config
from tests.acceptance.generated_data import AGENTS, TOPICS
from tests.acceptance.values import Values, values
from tests.command_line import RunCli

MONTHS = ("2025-01-31", "2025-02-28", "2025-03-31")


@pytest.fixture
def months(run_cli: RunCli, tmp_path: Path) -> list[Values]:
    """The values at the end of each month."""
    config = acceptance_config(tmp_path, "call_log")
    return [values(run_cli, config, tmp_path / "data", f"{day}T23:59:59") for day in MONTHS]


def test_calls_of_each_month(months: list[Values]) -> None:
    assert [month.metric("received", "month") for month in months] == [50, 36, 64]
    assert [month.metric("answered", "month") for month in months] == [40, 30, 50]
    # four of every five answered calls are resolved
    assert [month.metric("resolved", "month") for month in months] == [32, 24, 40]
    assert months[-1].metric("answered", "quarter") == 120


def test_means_leave_out_calls_that_nobody_answered(months: list[Values]) -> None:
    last = months[-1]
    # waits of 20, 45, 60, 75 and 100 s in turn; talks of 120 and 240 s; ratings from 1 to 5
    assert last.metric("wait", "quarter") == 60
    assert last.metric("talk", "month") == 180
    assert last.metric("rating", "quarter") == 3
    # of the 50 sorted waits of March the last ten are 100 s, and the 90th percentile is the first of them
    assert last.metric("longest_waits", "month") == 100


def test_a_lower_wait_is_better(months: list[Values]) -> None:
    wait = months[-1].kpi("mean_wait")
    assert wait["target_ratio"] == pytest.approx(2 - 60 / 50)
    assert wait["status"] == "off_track"


def test_dated_targets_apply_from_their_day(months: list[Values]) -> None:
    levels = [month.kpi("service_level") for month in months]
    # three of every five answered calls wait 60 s or less
    assert [level["value"] for level in levels] == pytest.approx([24 / 50, 18 / 36, 30 / 64])
    assert [level["target"] for level in levels] == [0.40, 0.40, 0.50]
    assert [level["target_ratio"] for level in levels] == pytest.approx([1.2, 1.25, 0.9375])


def test_a_baseline_goal_is_measured_against_its_end(months: list[Values]) -> None:
    rate = months[-1].kpi("resolution_rate")
    assert rate["value"] == pytest.approx(96 / 120)
    assert rate["target_ratio"] == pytest.approx(0.8 / 0.9)


def test_growth_over_a_period_without_records_is_no_target(months: list[Values]) -> None:
    rating = months[-1].kpi("mean_rating")
    assert rating["value"] == 3
    assert (rating["target"], rating["status"]) == (None, "no_target")


def test_persons_and_topics_are_all_there(months: list[Values]) -> None:
    last = months[-1]
    assert sorted(last.by("service_level", "person")) == [*AGENTS]
    topics = last.split("by_topic", "month", "topic")
    assert sorted(topics) == [*TOPICS]
    assert sum(topics.values()) == last.metric("received", "month")
