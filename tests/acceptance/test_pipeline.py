"""A year of deals through the command line, against totals worked out by hand."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.configs import acceptance_config
from tests.acceptance.generated_data import ENGAGED, PROSPECTS, REGIONS
from tests.acceptance.values import Values, evaluation, values
from tests.command_line import RunCli

QUARTERS = ("2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return acceptance_config(tmp_path, "pipeline")


@pytest.fixture
def quarters(run_cli: RunCli, config: Path) -> list[Values]:
    """The values at the end of each quarter."""
    return [values(run_cli, config, config.parent / "data", f"{day}T23:59:59") for day in QUARTERS]


def test_deals_and_revenue_of_each_quarter(quarters: list[Values]) -> None:
    assert [quarter.metric("won", "quarter") for quarter in quarters] == [12, 20, 16, 24]
    # four won deals in turn make 500 + 1,500 + 4,000 + 250 = 6,250, so 3, 5, 4 and 6 times that
    assert [quarter.metric("revenue", "quarter") for quarter in quarters] == [18_750, 31_250, 25_000, 37_500]
    assert [quarter.metric("closed", "year") for quarter in quarters] == [21, 52, 82, 112]
    assert quarters[-1].metric("deal_size", "quarter") == 6_250 / 4


def test_the_win_rate_is_a_ratio_of_sums(quarters: list[Values]) -> None:
    rate = quarters[-1].kpi("win_rate")
    assert rate["value"] == pytest.approx(72 / 112)
    assert (rate["target_ratio"], rate["status"]) == (1.0, "on_track")


def test_the_target_ratio_of_each_quarter(quarters: list[Values]) -> None:
    ratios = [quarter.kpi("quarterly_revenue")["target_ratio"] for quarter in quarters]
    assert ratios == pytest.approx([0.625, 31_250 / 30_000, 25_000 / 30_000, 1.25])
    assert [quarter.kpi("quarterly_revenue")["status"] for quarter in quarters] == [
        "off_track", "on_track", "off_track", "exceeded",
    ]  # fmt: skip


def test_teams_and_persons_add_up_to_the_company(quarters: list[Values], config: Path) -> None:
    with (config.parent / "deals.csv").open(encoding="utf-8", newline="") as file:
        year = [row for row in csv.DictReader(file) if row["stage"] == "Won"]
    sold = Counter(row["seller"] for row in year)
    rates = quarters[-1].by("win_rate", "person")
    assert rates.keys() == sold.keys()
    for quarter in quarters:
        total = quarter.kpi("quarterly_revenue")["value"]
        assert sum(quarter.by("quarterly_revenue", "person").values()) == total
        assert sum(quarter.by("quarterly_revenue", "team").values()) == total
    for region in {*REGIONS.values()}:
        revenue = sum(int(row["amount"]) for row in year if REGIONS[row["seller"]] == region)
        assert sum(quarter.metric("revenue", "quarter", scope="team", team=region) for quarter in quarters) == revenue


def test_one_product_in_two_spellings_stays_two_values(quarters: list[Values]) -> None:
    products = quarters[-1].split("by_product", "quarter", "product")
    assert products == {"Rack Pro": 6, "RackPro": 6, "Desk One": 6, "Cable": 6}


def test_open_deals_are_counted_once_they_have_a_start(quarters: list[Values], config: Path) -> None:
    last = evaluation(config, config.parent / "data", "2026-01-01T04:59:59+00:00")
    assert quarters[-1].metric("open_deals", None) == ENGAGED
    # nothing says since when the prospects are open
    assert last.undated["deals", "created_at"] == PROSPECTS
    assert last.failed == ()
