"""The company's history depends only on its seed and the instant, and looks like that of a business."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from statistics import mean

import pytest

from exporter.demo.company.company import DemoCompany, Timeline, first_day
from exporter.demo.company.entities import DealHistory, StagedRecord
from exporter.demo.company.rhythm import CLOSES, OPENS, is_workday, local_day, midnight
from tests.demo.tiny_company import at, deal

KINDS = ("deals", "leads", "tickets", "calls")


def seconds(day: date) -> int:
    return midnight(day) + 15 * 3600


@pytest.mark.usefixtures("young")
def test_companies_of_one_seed_have_the_same_history_however_they_advance() -> None:
    since = date(2026, 2, 20)
    at_once, by_steps = DemoCompany(3, since), DemoCompany(3, since)
    at_once.advance(seconds(date(2026, 3, 13)))
    for day in (20, 21, 28):
        by_steps.advance(seconds(date(2026, 2, day)))
    by_steps.advance(seconds(date(2026, 3, 13)))
    for kind in KINDS:
        assert getattr(at_once, kind).records == getattr(by_steps, kind).records


@pytest.mark.usefixtures("young")
def test_a_later_start_shows_the_same_records(company: DemoCompany, now: int) -> None:
    later = DemoCompany(7, date(2026, 2, 20))
    later.advance(now)
    for kind in KINDS:
        by_id = {record.id: record for record in getattr(company, kind).records}
        assert all(by_id[record.id] == record for record in getattr(later, kind).records)


@pytest.mark.usefixtures("young")
def test_another_seed_is_another_company(company: DemoCompany, now: int) -> None:
    other = DemoCompany(8, date(2026, 3, 12))
    other.advance(now)
    assert {record.id for record in other.calls.records} & {record.id for record in company.calls.records}
    by_id = {record.id: record for record in company.calls.records}
    assert all(by_id.get(record.id) != record for record in other.calls.records)


def test_time_never_goes_back_and_advancing_twice_adds_nothing(company: DemoCompany, now: int) -> None:
    before = {kind: len(getattr(company, kind).records) for kind in KINDS}
    company.advance(now)
    company.advance(now - 40 * 86_400)
    assert {kind: len(getattr(company, kind).records) for kind in KINDS} == before


def test_ids_are_in_order_of_time(company: DemoCompany) -> None:
    for kind in KINDS:
        ids = [record.id for record in getattr(company, kind).records]
        assert ids == sorted(set(ids))
    starts = [call.started_at for call in company.calls.records]
    assert starts == sorted(starts)


def test_work_is_under_way_on_the_first_day(company: DemoCompany) -> None:
    opening = midnight(company.since)
    assert sum(deal.created_at < opening for deal in company.deals.records) > 100
    assert all(deal.event_times()[-1] >= opening for deal in company.deals.records)


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("deals", 350, 750), ("leads", 700, 1200), ("tickets", 700, 1300), ("calls", 3000, 5500)]
)
def test_a_month_has_a_realistic_volume(company: DemoCompany, kind: str, low: int, high: int) -> None:
    months = Counter(str(local_day(record.change_times()[0]))[:7] for record in getattr(company, kind).records)
    for month in ("2025-10", "2025-11", "2025-12", "2026-01", "2026-02"):
        assert low < months[month] < high, (kind, month)


def test_weekdays_are_busy_and_weekends_quiet(company: DemoCompany) -> None:
    days = Counter(local_day(call.started_at) for call in company.calls.records)
    usual = mean(count for day, count in days.items() if is_workday(day))
    weekend = mean(count for day, count in days.items() if day.weekday() > 4)
    assert usual > 8 * weekend


def test_holidays_are_quiet(company: DemoCompany) -> None:
    days = Counter(local_day(deal.created_at) for deal in company.deals.records)
    assert days[date(2025, 12, 25)] + days[date(2026, 1, 1)] < 0.3 * days[date(2025, 12, 17)]


def test_most_calls_are_within_opening_hours(company: DemoCompany) -> None:
    inside = [
        OPENS * 3600 <= call.started_at - midnight(local_day(call.started_at)) < CLOSES * 3600
        for call in company.calls.records
        if is_workday(local_day(call.started_at))
    ]
    assert mean(inside) > 0.95


def test_more_is_won_in_the_last_days_of_a_month(company: DemoCompany, now: int) -> None:
    won: dict[bool, list[int]] = {True: [], False: []}
    days = Counter(local_day(end) for deal in company.deals.records if (end := deal.entered("won", now)))
    for number in range((date(2026, 3, 1) - date(2025, 10, 1)).days):
        day = date(2025, 10, 1) + timedelta(days=number)
        if is_workday(day):
            won[(day + timedelta(days=5)).month != day.month].append(days[day])
    assert mean(won[True]) > 1.4 * mean(won[False])


def test_win_rates_of_sellers_differ_widely(company: DemoCompany, now: int) -> None:
    closed, won = Counter[int](), Counter[int]()
    for record in company.deals.records:
        if record.closed_at(now):
            closed[record.owner] += 1
            won[record.owner] += record.entered("won", now) is not None
    rates = sorted(won[owner] / closed[owner] for owner in closed if closed[owner] > 60)
    assert rates[-1] > 2 * rates[0]
    assert rates[0] > 0.1
    assert rates[-1] < 0.8


def test_replies_are_slower_on_busy_days(company: DemoCompany) -> None:
    days: dict[date, list[int]] = defaultdict(list)
    for record in company.tickets.records:
        if OPENS * 3600 <= record.created_at - midnight(local_day(record.created_at)) < 14 * 3600:
            days[local_day(record.created_at)].append(record.replied_at - record.created_at)
    loads = sorted((waits for day, waits in days.items() if is_workday(day) and len(waits) > 5), key=len)
    quiet, busy = loads[: len(loads) // 4], loads[-len(loads) // 4 :]
    assert mean(wait for waits in busy for wait in waits) > 1.2 * mean(wait for waits in quiet for wait in waits)


def test_replies_come_whole_minutes_after_the_ticket(company: DemoCompany) -> None:
    waits = {record.replied_at - record.created_at for record in company.tickets.records}
    assert {wait % 60 for wait in waits} == {0}
    assert min(waits) >= 0


def test_most_amounts_are_small_and_few_are_large(company: DemoCompany) -> None:
    amounts = sorted(float(record.amount) for record in company.deals.records)
    assert mean(amounts) > 1.3 * amounts[len(amounts) // 2]


def test_every_irregularity_of_a_crm_occurs(company: DemoCompany, now: int) -> None:
    deals = company.deals.records
    assert any(record.archived(now) for record in deals)
    assert any(record.corrected is not None and record.amount_at(now) != record.amount for record in deals)
    assert {record.currency for record in deals} == {"CHF", "EUR"}
    assert any(record.merged_at is not None and not record.exists(now) for record in company.leads.records)
    assert any([step.stage for step in record.steps].count("closed") == 2 for record in company.tickets.records)
    assert {call.missed_reason for call in company.calls.records} == {
        None, "out_of_opening_hours", "short_abandoned", "abandoned_in_ivr", "abandoned_in_classic",
        "no_available_agent", "agents_did_not_answer",
    }  # fmt: skip


def test_future_records_do_not_exist_yet(company: DemoCompany, now: int) -> None:
    today = [record for record in company.deals.records if local_day(record.created_at) == local_day(now)]
    assert any(not record.exists(now) for record in today)
    assert any(record.exists(now) for record in today)


def test_a_staged_record_goes_through_its_stages_in_order(company: DemoCompany) -> None:
    for kind in ("deals", "leads", "tickets"):
        records: list[StagedRecord] = getattr(company, kind).records
        for record in records:
            moments = [step.at for step in record.steps]
            assert moments == sorted(moments), record


@pytest.mark.parametrize(
    ("now", "months", "first"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), 15, date(2025, 7, 1)),
        (datetime(2026, 1, 1, tzinfo=UTC), 15, date(2024, 10, 1)),
        (datetime(2026, 3, 31, tzinfo=UTC), 15, date(2024, 10, 1)),
        (datetime(2026, 3, 31, tzinfo=UTC), 0, date(2026, 1, 1)),
    ],
)
def test_the_history_starts_with_a_quarter(now: datetime, months: int, first: date) -> None:
    assert first_day(now, months) == first


def test_a_timeline_finds_changes_of_records_added_later() -> None:
    timeline: Timeline[DealHistory] = Timeline()
    timeline.extend([deal(1, (0, "discovery"), (60, "won")), deal(2)])
    assert [record.id for record in timeline.changed_since(at(60), at(60))] == [1]
    timeline.extend([deal(5, (60, "discovery"))])
    assert [record.id for record in timeline.changed_since(at(60), at(61))] == [1, 5]
    assert [record.id for record in timeline.changed_since(at(61), at(99))] == []
    assert [record.id for record in timeline.from_id(2)] == [2, 5]


def test_calls_between_includes_both_ends(company: DemoCompany) -> None:
    low, high = company.calls_between(company.calls.records[3].started_at, company.calls.records[9].started_at)
    assert low <= 3
    assert high >= 10
