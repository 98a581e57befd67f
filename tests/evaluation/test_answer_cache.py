"""When a record begins or ceases to count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.evaluation.answer_cache import next_change
from exporter.metrics.rows import QueryShape
from exporter.metrics.values import LAST
from exporter.store.store import Store
from tests.evaluation.records import NOW, deal, put

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def test_the_next_change_is_the_first_instant_from_then_on(store: Store) -> None:
    deleted_deal = deal(9, 1, NOW + HOUR, deleted=True)
    put(
        store,
        "crm",
        "deals",
        [deal(1, 1, NOW - HOUR), deal(2, 1, NOW + 3 * HOUR, created_at=NOW + 2 * HOUR), deleted_deal],
    )
    with store.reading() as reader:
        flow, level = QueryShape("deals", "closed_at"), QueryShape("deals", "created_at", "closed_at")
        assert next_change(reader, flow, NOW) == NOW + 3 * HOUR
        assert next_change(reader, level, NOW) == NOW + 2 * HOUR
        assert next_change(reader, level, NOW + 2 * HOUR) == NOW + 2 * HOUR
        assert next_change(reader, level, NOW + 2.5 * HOUR) == NOW + 3 * HOUR
        assert next_change(reader, flow, NOW + 4 * HOUR) == LAST


def test_without_records_there_is_no_next_change(store: Store) -> None:
    with store.reading() as reader:
        assert next_change(reader, QueryShape("calls", "started_at"), NOW) == LAST


def test_an_event_that_a_metric_reads_is_a_change(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 1, NOW + 3 * HOUR, created_at=NOW - HOUR)])
    with store.reading() as reader:
        received = QueryShape("deals", "created_at")
        assert next_change(reader, received, NOW) == LAST
        assert next_change(reader, received, NOW, frozenset({"closed_at"})) == NOW + 3 * HOUR
