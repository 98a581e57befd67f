"""A stopped scheduler ends and loses nothing."""

from __future__ import annotations

import asyncio
import random
import threading
from datetime import timedelta

import pytest

from exporter.passes import Page
from exporter.store.store import Store
from exporter.sync.scheduler import STOP_TIMEOUT, Scheduler
from tests.store.samples import live
from tests.sync.fakes import NOON, FakeSource, Recorder, answering, clock, deals
from tests.sync.run_scheduler import DAY, job, scheduled
from tests.sync.virtual_time import run


def test_a_stop_interrupts_reading_and_keeps_written_pages(store: Store) -> None:
    source = FakeSource(deals=answering(Page(deals(*range(1000)), resume="r"), DAY))
    scheduled(store, job(source), seconds=100)
    assert source.closed
    assert store.begin("crm", "deals", NOON + timedelta(hours=1)).resume == "r"


def test_a_stop_before_the_start_or_after_the_end_is_harmless(store: Store) -> None:
    source = FakeSource()
    scheduler = Scheduler([job(source)], store, Recorder(), clock)
    scheduler.stop()
    run(scheduler.run())
    scheduler.stop()
    assert source.closed


def test_a_stop_interrupts_a_write_that_takes_too_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    publish = store.publish

    def endless(*args: object, **rest: object) -> object:
        with store._database.write() as connection:
            begun.set()
            connection.execute("SELECT count(*) FROM range(100_000_000_000) r(a) WHERE hash(a) % 7 = 0").fetchall()
        return publish(*args, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "publish", endless)
    monkeypatch.setattr("exporter.sync.scheduler.STOP_TIMEOUT", 0.0)
    source = FakeSource(deals=answering(Page(deals(1), cursor="c")))

    async def work() -> None:
        scheduler = Scheduler([job(source)], store, Recorder(), clock, rng=random.Random(1))
        running = asyncio.create_task(scheduler.run())
        await asyncio.to_thread(begun.wait)
        scheduler.stop()
        await running

    asyncio.run(work())
    assert STOP_TIMEOUT < 10
    monkeypatch.undo()
    assert live(store) == []
    assert store.begin("crm", "deals", NOON)


def test_a_source_that_does_not_close_is_abandoned(store: Store) -> None:
    class Clinging(FakeSource):
        async def close(self) -> None:
            await asyncio.sleep(DAY)

    scheduled(store, job(Clinging()), seconds=10)
