"""A target judges the scope that it is set for, and only where there is something to compare."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.trust.company import Company

AT = "2021-02-28T23:59"
"""The last minute of a month."""


@pytest.fixture
def sellers(company: Company) -> Company:
    """Thirty sellers in two teams, each of whom wins one deal of 100,000 in February."""
    people = [(n, f"Seller {n}", f"s{n}@example.com", "North" if n <= 10 else "South") for n in range(1, 31)]
    company.sheet("people", "id name email team", people)
    deals = [(n, n, "won", 100_000, "2021-02-03T10:00") for n in range(1, 31)]
    company.sheet("deals", "id owner status amount closed_at", deals)
    company.metric("revenue", "deals", where={"status": "won"}, at="closed_at", sum="amount")
    return company


def test_a_person_given_by_email_has_the_target_of_that_entry(sellers: Company) -> None:
    entries = [{"value": 3_000_000}, {"value": 90_000, "person": "s7@example.com"}]
    sellers.kpi("sales", "revenue", target=entries, scopes=["company", "person"])
    seven = sellers.values(AT, "person")["sales", "Seller 7"]
    assert (seven["value"], seven["target"], seven["status"]) == (100_000, 90_000, "exceeded")


@pytest.mark.parametrize(
    ("entry", "near"), [({"person": "s7@sample.com"}, "s7@example.com"), ({"team": "Nrth"}, "North")]
)
def test_check_names_who_is_not_found_and_the_nearest_match(sellers: Company, entry: dict[str, str], near: str) -> None:
    entries = [{"value": 3_000_000}, {"value": 90_000, **entry}]
    sellers.kpi("sales", "revenue", target=entries, scopes=["company", "team", "person"])
    sellers.run("sync", "--once")
    warnings = " ".join(sellers.run("check").out.split())
    (misspelt,) = entry.values()
    assert misspelt in warnings
    assert near in warnings


def test_check_warns_of_a_name_that_two_people_have(company: Company) -> None:
    company.sheet("people", "id name email", [(1, "Ada Meier", "a@example.com"), (2, "Ada Meier", "m@example.com")])
    company.sheet("deals", "id owner status amount closed_at", [(1, 1, "won", 10, "2021-02-03")])
    company.metric("revenue", "deals", where={"status": "won"}, at="closed_at", sum="amount")
    company.kpi("sales", "revenue", target=[{"value": 10}, {"value": 9, "person": "Ada Meier"}], scopes=["person"])
    company.run("sync", "--once")
    assert "Ada Meier" in company.run("check").out


def test_the_companys_total_puts_no_seller_off_track(sellers: Company) -> None:
    sellers.kpi("sales", "revenue", target=3_000_000, scopes=["company", "team", "person"])
    statuses = Counter((kpi["scope"], kpi["status"]) for kpi in sellers.values(AT, "all").values())
    assert statuses == {("company", "on_track"): 1, ("team", "no_target"): 2, ("person", "no_target"): 30}


def test_an_equal_share_of_the_companys_total_judges_every_seller(sellers: Company) -> None:
    sellers.kpi("sales", "revenue", target=[{"value": 3_000_000}, {"share": "equal"}], scopes=["company", "person"])
    values = sellers.values(AT, "person")
    # 1,500,000 for each team: 150,000 for each of ten people in North, 75,000 for each of twenty in South
    assert values["sales", "Seller 1"]["target"] == pytest.approx(150_000)
    assert values["sales", "Seller 1"]["status"] == "off_track"
    assert values["sales", "Seller 30"]["target"] == pytest.approx(75_000)
    assert values["sales", "Seller 30"]["status"] == "exceeded"


@pytest.mark.parametrize(
    ("south", "expected"),
    [
        (1_500_000, "note: {}500,000 of the target of the company are unassigned to teams"),
        (2_500_000, "warning: {}the targets of the teams exceed that of the company by 500,000"),
    ],
)
def test_check_compares_the_targets_of_teams_with_the_companys(sellers: Company, south: int, expected: str) -> None:
    parts = [{"value": 1_000_000, "team": "North"}, {"value": south, "team": "South"}]
    sellers.kpi("sales", "revenue", target=[{"value": 3_000_000}, *parts], scopes=["company", "team"])
    sellers.run("sync", "--once")
    severity, text = expected.split("{}")
    lines = sellers.run("check").out.splitlines()
    assert [line.startswith(severity) for line in lines if text in line] == [True]


def test_growth_over_a_month_of_which_records_cover_a_part_sets_no_target(company: Company) -> None:
    # records begin on 20 January: 12 of its 31 days, and all of February and March, with 100 a day
    days = [f"2021-{month:02}-{day:02}" for month, first, last in DAYS for day in range(first, last + 1)]
    company.sheet(
        "deals", "id status amount closed_at", [(n, "won", 100, f"{day}T10:00") for n, day in enumerate(days)]
    )
    company.metric("revenue", "deals", where={"status": "won"}, at="closed_at", sum="amount")
    company.kpi("sales", "revenue", target={"growth": "10%", "over": "previous"})
    february = company.values("2021-02-28T23:59")["sales", None]
    assert (february["value"], february["target"], february["status"]) == (2800, None, "no_target")
    assert "the records begin on 2021-01-20" in february["reason"]
    march = company.values("2021-03-31T23:59")["sales", None]
    assert march["target"] == pytest.approx(2800 * 1.1)


DAYS = ((1, 20, 31), (2, 1, 28), (3, 1, 31))
"""Month, first and last day with records."""


def test_a_daily_figure_has_no_verdict_on_a_day_without_work(company: Company) -> None:
    company.settings["workdays"] = ["mon", "tue", "wed", "thu", "fri"]
    # five deals on each day from Monday 1 February to Friday, one on Sunday the 7th
    closed = [f"2021-02-{day:02}T10:00" for day in (1, 2, 3, 4, 5) for _ in range(5)] + ["2021-02-07T10:00"]
    company.sheet("deals", "id status closed_at", [(n, "won", at) for n, at in enumerate(closed)])
    company.metric("won", "deals", where={"status": "won"}, at="closed_at")
    company.kpi("deals_a_day", "won", period="day", target=5)
    company.kpi("deals_a_week", "won", period="week", target=25)
    friday, sunday = company.values("2021-02-05T23:59"), company.values("2021-02-07T23:59")
    assert friday["deals_a_day", None]["status"] == "on_track"
    day_off = sunday["deals_a_day", None]
    assert (day_off["value"], day_off["target_ratio"], day_off["status"]) == (1, None, "day_off")
    assert sunday["deals_a_week", None]["value"] == 26
