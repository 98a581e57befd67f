"""Which change of records is named as the cause of a restatement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.config.fields import Status
from exporter.ledger.causes import strongest
from exporter.ledger.keeper import LedgerKeeper
from exporter.seals import Cause
from exporter.store.store import Store
from tests.evaluation.records import deal, small_config
from tests.ledger.months import BEN, DEALS, HOUR, KPI, LATER, SETTLED, keeper, october, restatements, sync


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    sync(opened)
    keeper(opened).update(SETTLED)
    yield opened
    opened.close()


def test_the_strongest_cause_comes_first() -> None:
    assert strongest([Cause.EDITED, Cause.DELETED, Cause.LATE]) is Cause.LATE
    assert strongest([Cause.REDATED, Cause.TARGET]) is Cause.TARGET
    assert strongest([]) is None


def test_a_record_that_where_excludes_is_no_cause(store: Store) -> None:
    lost = replace(deal(4, 90, october(30)), status="lost")
    sync(store, [replace(DEALS[0], amount=DEALS[0].amount + 1), *DEALS[1:], lost], LATER)
    keeper(store).update(LATER)
    assert restatements(store)["company"] == ("edited", 1100, 1101)


def test_a_record_of_another_month_is_no_cause(store: Store) -> None:
    november = deal(4, 90, datetime(2025, 11, 3, tzinfo=UTC))
    sync(store, [replace(DEALS[0], amount=DEALS[0].amount + 1), *DEALS[1:], november], LATER)
    keeper(store).update(LATER)
    assert restatements(store)["company"] == ("edited", 1100, 1101)


def test_each_result_has_the_cause_of_its_own_records(store: Store) -> None:
    # the company's 1100 stay the same, because the new deal is as large as the deleted one
    sync(store, [DEALS[0], DEALS[1], deal(4, 200, october(31, 21))], LATER)
    keeper(store).update(LATER)
    assert restatements(store) == {
        "North": ("late", 900, 1100), "Ada Lovelace": ("late", 900, 1100),
        "South": ("deleted", 200, None), "Ben": ("deleted", 200, None),
    }  # fmt: skip


def test_a_record_that_comes_back_is_late(store: Store) -> None:
    sync(store, DEALS[:2], LATER)
    keeper(store).update(LATER)
    sync(store, DEALS, LATER + HOUR)
    keeper(store).update(LATER + HOUR)
    causes = [(each.cause.value, each.value) for each in store.restatements() if each.person == BEN.name]
    assert causes == [("deleted", None), ("late", 200)]


def test_a_source_that_is_removed_changes_the_definition(store: Store) -> None:
    shop = {"name": "shop", "entity": "deals", "provider": "csv", "path": "x.csv", "columns": {"id": "id"}}
    sources = [{**shop, "name": "hr", "entity": "people"}, shop]
    store.retain({"hr": ["people"], "shop": ["deals"]})
    sync_pass = store.begin("shop", "deals", LATER)
    store.publish("shop", "deals", full=sync_pass.cursor is None, at=LATER)
    keeper(store, sources=sources).update(LATER)
    assert restatements(store)["company"] == ("definition", 1100, 0)


def test_a_guard_that_turns_red_restates_the_kpi_that_it_guards(tmp_path: Path) -> None:
    count = {"name": "won", "title": "Won", "entity": "deals", "where": {"status": "won"}, "at": "closed_at"}
    metrics = [{**count, "name": "revenue", "sum": "amount"}, {**count, "count": "rows"}]
    revenue = {**KPI, "scopes": ["company"], "guard": "monthly_deals"}
    deals = {**KPI, "scopes": ["company"], "name": "monthly_deals", "value": "won", "target": 3}
    settings = small_config(metrics=metrics, kpis=[revenue, deals])
    store = Store.open(tmp_path)
    sync(store)
    LedgerKeeper(settings, store).update(SETTLED)
    # one deal instead of three with the same amount: the revenue stays exceeded, but its guard is off track
    sync(store, [deal(1, 1100, october(3))], LATER)
    LedgerKeeper(settings, store).update(LATER)
    entries = {each.kpi: each for each in store.restatements()}
    assert (entries["monthly_deals"].previous_status, entries["monthly_deals"].status) == (
        Status.ON_TRACK,
        Status.OFF_TRACK,
    )
    revenue_entry = entries["monthly_revenue"]
    assert (revenue_entry.value, revenue_entry.previous_status) == (revenue_entry.previous_value, Status.EXCEEDED)
    assert (revenue_entry.status, revenue_entry.cause) == (Status.AT_RISK, Cause.DELETED)
    store.close()
