"""Burn rates from a real store against a count of records and open minutes, at random instants."""

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
HOLIDAY = date(2025, 11, 3)
TARGET, MINUTE = 0.7, timedelta(minutes=1)
WINDOWS = {"5h": 300, "25m": 25, "1h": 60, "5m": 5}


def config() -> Config:
    counts = [
        {
            "name": "won",
            "title": "Won",
            "entity": "deals",
            "where": {"status": "won"},
            "at": "closed_at",
            "count": "rows",
        },
        {"name": "closed", "title": "Closed", "entity": "deals", "at": "closed_at", "count": "rows"},
    ]
    kpi = small_config().kpis[0].model_dump(by_alias=True, mode="json", exclude_none=True)
    slack = [{"spent": "5%", "within": "5h"}, {"spent": "2%", "within": "1h"}]
    rate = {"value": "won / closed", "unit": "ratio", "target": TARGET, "pace": "none", "min_sample": 1}
    company = {
        "name": "Small", "timezone": "Europe/Zurich", "currency": "CHF", "workdays": ["mon", "tue", "wed", "thu", "fri"],
        "hours": {"opens": "07:30", "closes": "16:00"}, "holidays": {"dates": [HOLIDAY.isoformat()]},
    }  # fmt: skip
    return small_config(
        company=company, metrics=counts, kpis=[{**kpi, **rate, "scopes": ["company"], "alerts": {"slack": slack}}]
    )


def records(random: Random) -> list[Deal]:
    """Deals at all hours of three weeks, among them the end of summer time, two weekends and a holiday."""
    instants = [END - random.randrange(21 * 24 * 60) * MINUTE for _ in range(3000)]
    return [
        replace(deal(number, 1, instant), status=random.choice(["won", "won", "lost"]))
        for number, instant in enumerate(instants)
    ]


def is_open(minute: datetime) -> bool:
    local = minute.astimezone(ZURICH)
    return local.weekday() < 5 and local.date() != HOLIDAY and (7, 30) <= (local.hour, local.minute) < (16, 0)


def counted(deals: list[Deal], now: datetime, minutes: int) -> float | None:
    """The burn rate by counting back open minutes one by one."""
    start = now
    while minutes:
        start -= MINUTE
        minutes -= is_open(start)
    inside = [each.status for each in deals if each.closed_at is not None and start <= each.closed_at < now]
    return None if not inside else inside.count("lost") / len(inside) / (1 - TARGET)


@pytest.mark.parametrize("seed", [1, 2])
def test_rates_are_those_of_counted_records_in_counted_opening_minutes(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    deals, store = records(random), Store.open(tmp_path)
    put(store, "hr", "people", [], END)
    put(store, "crm", "deals", deals, END)
    evaluator = Evaluator(config(), store)
    special = ["2025-10-26T00:30", "2025-10-26T01:30", "2025-11-03T12:00", "2025-11-04T06:31", "2025-11-09T23:00"]
    instants = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in special]
    instants += [END - random.randrange(14 * 24 * 60) * MINUTE for _ in range(25)]
    for now in instants:
        found = {each.window: each.rate for each in evaluator.evaluate(now, None).evaluation.signals.burn_rates}
        expected = {name: counted(deals, now, minutes) for name, minutes in WINDOWS.items()}
        assert found == pytest.approx({name: rate for name, rate in expected.items() if rate is not None}), now
    store.close()
