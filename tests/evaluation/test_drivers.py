"""Metrics with an expected range from a real store against a count of records, at random instants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from exporter.config.root import Config
from exporter.evaluation.evaluator import Evaluator
from exporter.records import Deal
from exporter.store.store import Store
from tests.evaluation.records import deal, put, small_config

ZURICH = ZoneInfo("Europe/Zurich")
END = datetime(2025, 11, 10, tzinfo=UTC)
HOLIDAYS = (date(2025, 11, 3), *(date(2025, 10, day) for day in range(13, 18)))
"""A Monday, and a whole week."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def config() -> Config:
    won = {"title": "Won", "entity": "deals", "where": {"status": "won"}, "at": "closed_at", "count": "rows"}
    span = {"from": "created_at", "until": "closed_at"}
    metrics = [
        {"name": "revenue", "title": "Revenue", "entity": "deals", "at": "closed_at", "sum": "amount"},
        {"name": "won", **won, "expected": {"min": 10}},
        {"name": "won_weekly", **won, "expected": {"max": 90, "period": "week"}},
        {"name": "size", **won, "count": None, "mean": "amount", "expected": {"min": 20, "max": 30}},
        {"name": "open", "title": "Open", "entity": "deals", "during": span, "count": "rows", "expected": {"max": 70}},
    ]
    company = {
        "name": "Small", "timezone": "Europe/Zurich", "currency": "CHF", "workdays": ["mon", "tue", "wed", "thu", "fri"],
        "holidays": {"dates": [day.isoformat() for day in HOLIDAYS]},
    }  # fmt: skip
    return small_config(company=company, metrics=metrics)


def records(random: Random) -> list[Deal]:
    """Deals of six weeks, closed at all hours up to a week after they began; some of them never."""
    deals = []
    for number in range(1500):
        created = END - random.randrange(1, 42 * 24 * 60) * timedelta(minutes=1)
        closed = random.choice([None, *[created + random.randrange(7 * 24 * 60) * timedelta(minutes=1)] * 5])
        status = "open" if closed is None else random.choice(["won", "won", "lost"])
        deals.append(replace(deal(number, random.randrange(50), closed), created_at=created, status=status))
    return deals


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZURICH).astimezone(UTC)


def last_finished(now: datetime, length: timedelta) -> tuple[datetime, datetime]:
    """The last day, or week from Monday, that is over and has a workday."""
    first = now.astimezone(ZURICH).date()
    first -= timedelta(days=first.weekday()) if length == WEEK else timedelta()
    worked = False
    while not worked:
        first -= length
        days = [first + n * DAY for n in range(length.days)]
        worked = any(day.weekday() < 5 and day not in HOLIDAYS for day in days)
    return midnight(first), midnight(first + length)


def amounts_won(deals: list[Deal], window: tuple[datetime, datetime]) -> list[int]:
    start, end = window
    return [
        int(each.amount or 0)
        for each in deals
        if each.status == "won" and each.closed_at is not None and start <= each.closed_at < end
    ]


def counted(deals: list[Deal], now: datetime) -> dict[str, float]:
    """What each metric amounts to; a mean over nothing is unknown."""
    daily, weekly = (amounts_won(deals, last_finished(now, length)) for length in (DAY, WEEK))
    still_open = [each for each in deals if each.closed_at is None or each.closed_at > now]
    began = [each for each in still_open if each.created_at is not None and each.created_at <= now]
    size = {"size": sum(daily) / len(daily)} if daily else {}
    return {"won": len(daily), "won_weekly": len(weekly), "open": len(began), **size}


@pytest.mark.parametrize("seed", [1, 2])
def test_values_are_those_of_counted_records_of_the_last_worked_day_or_week(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    deals, store = records(random), Store.open(tmp_path)
    put(store, "hr", "people", [], END)
    put(store, "crm", "deals", deals, END)
    evaluator = Evaluator(config(), store)
    special = [
        "2025-10-20T08:00",  # Monday after a week without work: Friday of the week before, and that week
        "2025-10-26T23:30",  # Monday after the end of summer time, by the clock in Zurich
        "2025-11-02T12:00",  # Sunday
        "2025-11-04T09:00",  # Tuesday after a Monday off
        "2025-11-09T23:00",  # the midnight with which Sunday ends
    ]
    instants = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in special]
    instants += [END - random.randrange(30 * 24 * 60) * timedelta(minutes=1) for _ in range(25)]
    for now in instants:
        found = {each.metric: each.value for each in evaluator.evaluate(now, None).evaluation.signals.drivers}
        assert found == pytest.approx(counted(deals, now)), now
    store.close()


def test_a_source_that_is_silent_makes_no_driver_look_wrong(tmp_path: Path) -> None:
    """Shortly after the last pass the metrics are as of then; once the data is stale nothing is said about them."""
    deals, store = records(Random(3)), Store.open(tmp_path)
    put(store, "hr", "people", [], END)
    put(store, "crm", "deals", deals, END)
    evaluator = Evaluator(config(), store)
    minute = timedelta(minutes=1)
    found = evaluator.evaluate(END + minute, None).evaluation.signals.drivers
    assert {each.metric: each.value for each in found} == pytest.approx(counted(deals, END))
    assert evaluator.evaluate(END + 3 * DAY, None).evaluation.signals.drivers == ()
    store.close()
