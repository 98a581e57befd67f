"""A scheduler whose store is not writable, vanishes or is rebuilt."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exporter.errors import StoreDamagedError, StoreError
from exporter.passes import Page
from exporter.store.store import Store
from exporter.sync.scheduler import Scheduler
from tests.store.samples import live, no_file_beyond
from tests.sync.fakes import FakeSource, Recorder, answering, deals
from tests.sync.run_scheduler import job, scheduled


def test_nothing_is_read_while_the_store_is_not_writable(store: Store) -> None:
    source, observer = FakeSource(deals=answering(Page(deals(1), cursor="c"))), Recorder()
    limit = no_file_beyond(1000)

    def fill_up(_: Scheduler) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(200, limit.__enter__)
        loop.call_later(1000, limit.__exit__, None, None, None)

    try:
        scheduled(store, job(source), seconds=1250, observer=observer, meanwhile=fill_up)
    finally:
        limit.__exit__(None, None, None)
    assert len([at for at in source.times() if 200 < at < 1000]) <= 1
    assert len([at for at in source.times() if at > 1000]) >= 4
    assert min(at for at in source.times() if at > 1000) < 1060
    states = observer.states_of()
    assert "paused" in states
    assert states[-1] == "ok"
    assert ("ping", "error") in observer.failures
    assert store.up


def test_a_removed_store_is_rebuilt(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    source, observer = FakeSource(deals=answering(Page(deals(1), cursor="c"))), Recorder()

    def remove(_: Scheduler) -> None:
        asyncio.get_running_loop().call_later(200, store.path.unlink)

    scheduled(store, job(source), seconds=400, observer=observer, meanwhile=remove)
    assert observer.rebuilds == 1
    assert store.rebuilds == 1
    assert ("ping", "damaged") in observer.failures
    full = [at for at, sync_pass in source.passes if sync_pass.cursor is None]
    assert full[0] < 2
    assert 200 <= full[1] < 210
    assert live(store) == ["1"]
    store.close()


def test_a_store_that_must_not_be_rebuilt_ends_the_sync(tmp_path: Path) -> None:
    store = Store.open(tmp_path, on_corrupt="fail")
    source = FakeSource()

    def remove(_: Scheduler) -> None:
        asyncio.get_running_loop().call_later(100, store.path.unlink)

    with pytest.raises(StoreDamagedError):
        scheduled(store, job(source), seconds=1000, meanwhile=remove)
    assert source.closed
    store.close()


def test_a_failed_rebuild_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path)
    source, observer = FakeSource(deals=answering(Page(deals(1), cursor="c"))), Recorder()
    recover = store.recover

    def refuse() -> None:
        monkeypatch.setattr(store, "recover", recover)
        raise StoreError("no space")

    def remove(_: Scheduler) -> None:
        asyncio.get_running_loop().call_later(100, store.path.unlink)

    monkeypatch.setattr(store, "recover", refuse)
    scheduled(store, job(source), seconds=200, observer=observer, meanwhile=remove)
    assert observer.rebuilds == 1
    assert live(store) == ["1"]
    store.close()


def test_unreadable_outcomes_pause_the_source(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = store.outcomes

    def refuse() -> None:
        monkeypatch.setattr(store, "outcomes", outcomes)
        raise StoreError("busy")

    monkeypatch.setattr(store, "outcomes", refuse)
    source, observer = FakeSource(), Recorder()
    scheduled(store, job(source), seconds=100, observer=observer)
    assert observer.states_of() == ["paused", "backfill", "ok"]
    assert len(source.times()) == 2
