"""Evaluating, serving and storing what the sources delivered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter import naming
from exporter.config.root import Config
from exporter.errors import Reason, StoreError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.kpi.status import StatusMemory
from exporter.runtime.app import restore
from exporter.runtime.config_file import LoadedConfig
from exporter.runtime.publisher import Publisher
from exporter.store.store import Store
from exporter.web.server import ServedState
from tests.evaluation.records import ADA, NOW, deal, put, small_config

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    put(opened, "hr", "people", [ADA])
    put(opened, "crm", "deals", [deal(1, 400, NOW - timedelta(days=3)), deal(2, 70, None)])
    yield opened
    opened.close()


def create_publisher(store: Store, config: Config | None = None, digest: str = "1") -> tuple[Publisher, ServedState]:
    state = ServedState(SelfMetrics())
    return Publisher(LoadedConfig(config or small_config(), digest), store, state), state


def served_text(state: ServedState) -> str:
    return b"".join(state.snapshot.shared.text.plain).decode()


def test_an_evaluation_is_served_and_reported(store: Store) -> None:
    publisher, state = create_publisher(store)
    publisher.publish(NOW + MINUTE)
    assert 'kpi_value{kpi="monthly_revenue"} 400.0' in served_text(state)
    assert 'person_business_revenue_chf{period="month",person="Ada Lovelace",team="North"} 400.0' in served_text(state)
    self_metrics = state.self_metrics
    assert self_metrics.value(naming.KPI_UP, "monthly_revenue") == 1
    assert self_metrics.value(naming.EVALUATION_SUCCESS) == 1
    assert self_metrics.value(naming.EVALUATION_TIME) == (NOW + MINUTE).timestamp()
    assert self_metrics.value(naming.SERIES) == state.snapshot.series > 20
    assert self_metrics.value(naming.UNDATED, "deals", "closed_at") == 1
    assert self_metrics.value(naming.LAST_SUCCESS, "crm", "deals") == NOW.timestamp()
    assert self_metrics.value(naming.WATERMARK, "hr", "people") == NOW.timestamp()
    assert self_metrics.value(naming.LAST_FULL, "hr", "people") == NOW.timestamp()
    assert "Ada Lovelace" in publisher.page(lambda: NOW)


def test_without_changes_the_snapshot_stays_the_same_object(store: Store) -> None:
    publisher, state = create_publisher(store)
    publisher.publish(NOW + MINUTE)
    first = state.snapshot
    publisher.publish(NOW + 2 * MINUTE)
    assert state.snapshot is first
    assert state.self_metrics.value(naming.EVALUATION_TIME) == (NOW + 2 * MINUTE).timestamp()


def test_failures_of_a_source_are_reported_even_if_no_value_changes(store: Store) -> None:
    publisher, state = create_publisher(store)
    publisher.publish(NOW + MINUTE)
    store.fail("crm", "deals", Reason.TIMEOUT, NOW)
    publisher.publish(NOW + 2 * MINUTE)
    assert state.self_metrics.value(naming.FAILURES, "crm", "deals") == 1


def test_a_stale_kpi_has_a_status_but_no_value(store: Store) -> None:
    publisher, state = create_publisher(store)
    publisher.publish(NOW + timedelta(hours=2))
    assert "kpi_value{" not in served_text(state)
    assert 'kpi_status{kpi="monthly_revenue",status="stale"} 1.0' in served_text(state)
    assert state.self_metrics.value(naming.KPI_UP, "monthly_revenue") == 0


def test_the_next_run_starts_with_the_last_snapshot(store: Store) -> None:
    publisher, state = create_publisher(store)
    publisher.publish(NOW + MINUTE)
    restored = ServedState(SelfMetrics())
    memory = restore(store, restored, "1")
    assert served_text(restored) == served_text(state)
    assert restored.snapshot.at == state.snapshot.at
    assert restored.self_metrics.value(naming.SERIES) == state.snapshot.series
    assert StatusMemory.load(memory) == publisher.memory


def test_a_snapshot_of_another_config_is_not_served_and_an_empty_store_has_none(store: Store, tmp_path: Path) -> None:
    publisher, _ = create_publisher(store)
    publisher.publish(NOW)
    state = ServedState(SelfMetrics())
    assert StatusMemory.load(restore(store, state, "2")) == publisher.memory
    assert state.snapshot.at is None
    empty = Store.open(tmp_path / "empty")
    fresh, state = create_publisher(empty)
    assert restore(empty, state, "1") == b""
    fresh.save(NOW)
    assert state.snapshot.at is None
    assert empty.load_snapshot() is None
    empty.close()


def test_the_snapshot_is_stored_once_a_minute_and_at_the_end(store: Store) -> None:
    publisher, _ = create_publisher(store)
    saved_at = []
    for minute in range(3):
        at = NOW + timedelta(seconds=25 * minute)
        put(store, "crm", "deals", [deal(1, 500 + minute, NOW - timedelta(days=3))], at)
        put(store, "hr", "people", [ADA], at)
        publisher.publish(at)
        stored = store.load_snapshot()
        saved_at.append(stored[2] if stored else None)
    assert saved_at == [NOW, NOW, NOW]
    publisher.save(NOW + MINUTE)
    stored = store.load_snapshot()
    assert stored is not None
    assert stored[2] == NOW + MINUTE


def test_if_the_store_fails_the_last_snapshot_stays_served(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher, state = create_publisher(store)
    publisher.publish(NOW)
    before = state.snapshot

    def broken(*_: Any) -> Any:
        raise StoreError("disk full")

    monkeypatch.setattr(publisher._evaluator, "evaluate", broken)
    publisher.publish(NOW + MINUTE)
    assert state.snapshot is before
    assert state.self_metrics.value(naming.EVALUATION_SUCCESS) == 0
    assert state.self_metrics.value(naming.STORE_ERRORS, "read", "failed") == 1


def test_a_snapshot_that_cannot_be_stored_is_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise StoreError("disk full")

    monkeypatch.setattr(store, "save_snapshot", broken)
    publisher, state = create_publisher(store)
    publisher.publish(NOW)
    assert state.self_metrics.value(naming.STORE_ERRORS, "snapshot", "failed") == 1
    assert state.snapshot.at is not None


def test_people_are_served_separately_if_the_config_says_so(store: Store) -> None:
    publisher, state = create_publisher(store, small_config(privacy={"people": "separate"}))
    publisher.publish(NOW)
    assert "person_" not in served_text(state)
    assert state.snapshot.people is not None
    assert b"person_kpi_value" in b"".join(state.snapshot.people.text.plain)


def test_the_page_is_rendered_again_after_five_seconds_or_an_evaluation(store: Store) -> None:
    publisher, _ = create_publisher(store)
    first = publisher.page(lambda: NOW)
    assert publisher.page(lambda: NOW + timedelta(seconds=4)) is first
    later = publisher.page(lambda: NOW + timedelta(seconds=6))
    assert later is not first
    publisher.publish(NOW + MINUTE)
    assert publisher.page(lambda: NOW + timedelta(seconds=6)) != later
