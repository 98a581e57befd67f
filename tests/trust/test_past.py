"""The past does not know what happens later."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.trust.company import Company

RESOLUTION = 'kpi_value{kpi="resolution_rate"}'
BACKLOG = 'kpi_value{kpi="open_tickets"}'


@pytest.fixture
def helpdesk(company: Company) -> Company:
    """Ten tickets: one is opened on each of the first ten days of October, and is solved nineteen days later at 16:00."""
    rows = [(day, "solved", f"2021-10-{day:02}T08:00", f"2021-10-{day + 19}T16:00") for day in range(1, 11)]
    company.sheet("tickets", "id status created_at solved_at", rows)
    company.metric("opened", "tickets", at="created_at")
    company.metric("opened_and_solved", "tickets", at="created_at", where={"solved_at": {"present": True}})
    company.metric("opened_with_status_solved", "tickets", at="created_at", where={"status": "solved"})
    company.metric(
        "with_status_open", "tickets", during={"from": "created_at", "until": "solved_at"}, where={"status": "open"}
    )
    company.kpi("resolution_rate", "opened_and_solved / opened", target=0.8)
    company.kpi("resolution_rate_by_status", "opened_with_status_solved / opened", target=0.8)
    company.kpi("open_tickets", "with_status_open", better="lower", target=5)
    return company


@pytest.mark.parametrize(
    ("at", "rate", "backlog"),
    [
        ("2021-10-15T12:00", 0, 10),  # none is solved before the 20th
        ("2021-10-25T12:00", 0.5, 5),  # those of the 1st to 5th are solved on the 20th to 24th
        ("2021-10-29T17:00", 1, 0),
    ],
)
def test_a_ticket_is_open_until_it_is_solved(helpdesk: Company, at: str, rate: float, backlog: int) -> None:
    assert helpdesk.value("resolution_rate", at) == rate
    assert helpdesk.value("resolution_rate_by_status", at) == rate
    assert helpdesk.value("open_tickets", at) == backlog


def test_a_backfill_writes_what_each_day_knew(helpdesk: Company) -> None:
    written = helpdesk.backfilled("2021-10-15T02:00", "2021-10-29T02:00", "1d")
    days = {day: int(datetime(2021, 10, day, tzinfo=UTC).timestamp()) for day in range(15, 30)}
    # at 02:00, which is midnight UTC, the ticket of the day before is the last one that is solved
    assert {day: written[RESOLUTION, at] for day, at in days.items()} == {
        day: pytest.approx(max(0, day - 20) / 10) for day in days
    }
    assert {day: written[BACKLOG, at] for day, at in days.items()} == {day: 10 - max(0, day - 20) for day in days}


@pytest.fixture
def cohort(company: Company) -> Company:
    """Four leads of October: one converts in October, two on 5 November, one never does. November has one more."""
    rows = [
        (1, "converted", "2021-10-04", "2021-10-12"),
        (2, "converted", "2021-10-11", "2021-11-05"),
        (3, "converted", "2021-10-18", "2021-11-05"),
        (4, "working", "2021-10-25", ""),
        (5, "new", "2021-11-02", ""),
    ]
    company.sheet("leads", "id status created_at converted_at", rows)
    company.metric("received", "leads", at="created_at")
    company.metric("converted", "leads", at="created_at", where={"status": "converted"})
    company.kpi("conversion", "converted / received", target=0.5, min_sample=0)
    return company


def test_leads_of_a_month_have_not_converted_before_they_do(cohort: Company) -> None:
    assert cohort.value("conversion", "2021-10-10T12:00") == 0
    assert cohort.value("conversion", "2021-10-31T23:59") == pytest.approx(1 / 4)


def test_the_previous_month_is_as_of_its_own_end(cohort: Company) -> None:
    previous = 'kpi_previous_value{kpi="conversion"}'
    for at in ("2021-11-03T12:00", "2021-11-20T12:00"):
        assert cohort.series(at)[previous] == pytest.approx(1 / 4), "it does not improve as time passes"
