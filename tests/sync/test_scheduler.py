"""Sources in virtual time: when each is read, what keeps it from being read, and how all of it stops."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from exporter.errors import (
    IncompletePassError,
    RateLimitedError,
    Reason,
    SourceRejectedError,
    SourceUnavailableError,
    StoreDamagedError,
    StoreError,
)
from exporter.sources.base import Listing, Page, Pass
from exporter.store.store import Store
from exporter.sync.scheduler import GRACE, Scheduler
from exporter.sync.timetable import Job
from tests.store.samples import live, no_file_beyond
from tests.sync.fakes import NOON, NOTHING, FakeSource, Recorder, answering, clock, deals
from tests.sync.virtual import now, run

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
RECONCILE = 1500.0
UNREACHABLE = SourceUnavailableError(Reason.CONNECT, "connection refused")


def job(source: FakeSource, every: float = MINUTE, reconcile: float = DAY, **fingerprints: str) -> Job:
    return Job(source, timedelta(seconds=every), timedelta(seconds=reconcile), fingerprints)


def scheduled(
    store: Store,
    *jobs: Job,
    seconds: float,
    heard: Recorder | None = None,
    wall: Callable[[], datetime] = clock,
    meanwhile: Callable[[Scheduler], None] = lambda _: None,
) -> None:
    """Runs the scheduler for so many virtual seconds; `meanwhile` may plan things on the loop."""

    async def work() -> None:
        scheduler = Scheduler(jobs, store, heard or Recorder(), wall, chance=random.Random(1))
        running = asyncio.create_task(scheduler.run())
        meanwhile(scheduler)
        done, _ = await asyncio.wait({running}, timeout=seconds)
        if not done:
            scheduler.stop()
        await running

    run(work())


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def test_each_source_is_read_at_its_own_interval(store: Store) -> None:
    fast, slow = FakeSource("fast", ["deals", "calls"]), FakeSource("slow")
    heard = Recorder()
    scheduled(store, job(fast), job(slow, every=600), seconds=1300, heard=heard)
    for entity in ("deals", "calls"):
        assert 20 <= len(fast.times(entity)) <= 22
        assert all(60 <= gap <= 63 for gap in gaps(fast.times(entity)))
    assert all(600 <= gap <= 630 for gap in gaps(slow.times()))
    assert heard.states_of("fast") == ["starting", "backfill", "ok"]
    assert fast.closed
    assert slow.closed
    plan = next(at for name, _, at in heard.plans if name == "slow")
    assert timedelta(seconds=600) <= plan - NOON <= timedelta(seconds=632)


def test_a_source_that_is_away_is_asked_ever_more_rarely(store: Store) -> None:
    source, heard = FakeSource(deals=answering(UNREACHABLE)), Recorder()

    def back(scheduler: Scheduler) -> None:
        asyncio.get_running_loop().call_later(900, source.answers.clear)

    scheduled(store, job(source), seconds=1200, heard=heard, meanwhile=back)
    before = gaps([at for at in source.times() if at < 900])
    assert all(gap <= most for gap, most in zip(before, (2, 4, 8, 16), strict=False))
    assert len(set(before[:4])) == 4, "the waits are jittered"
    assert all(60 <= gap <= 63 for gap in before[4:]), "once an interval after the fifth failure"
    assert heard.states_of() == ["starting", "backfill", "down", "ok"]
    assert store.outcomes()[0].failures == 0


def test_entities_of_a_source_that_is_away_are_not_asked_for_one_by_one(store: Store) -> None:
    source, heard = FakeSource("crm", ["deals", "calls"], deals=answering(UNREACHABLE)), Recorder()
    scheduled(store, job(source), seconds=1, heard=heard)
    assert source.times("calls") == []
    assert [(report.entity, report.reason) for report in heard.reports[:2]] == [
        ("deals", Reason.CONNECT),
        ("calls", Reason.CONNECT),
    ]
    assert {outcome.failures for outcome in store.outcomes()} != {0}


def test_no_request_is_made_before_the_vendor_allows_it(store: Store) -> None:
    source, heard = FakeSource("crm", ["deals", "calls"], deals=answering(RateLimitedError("wait", 1800.0))), Recorder()

    def push(scheduler: Scheduler) -> None:
        loop = asyncio.get_running_loop()
        for second in range(10, 1790, 300):
            loop.call_later(second, scheduler.nudge, "crm")

    scheduled(store, job(source), seconds=1790, heard=heard, meanwhile=push)
    assert len(source.times()) == 1
    assert heard.states_of()[-1] == "rate_limited"
    assert {at - NOON >= timedelta(seconds=1800) for _, _, at in heard.plans} == {True}


def test_a_restart_does_not_make_the_vendor_s_wait_shorter(store: Store) -> None:
    scheduled(store, job(FakeSource(deals=answering(RateLimitedError("wait", 1800.0)))), seconds=10)
    source = FakeSource()
    scheduled(store, job(source), seconds=1900)
    assert source.times()[0] >= 1790


def later() -> datetime:
    return clock() + timedelta(minutes=1)


def test_a_restart_does_not_read_again_at_once(store: Store) -> None:
    scheduled(store, job(FakeSource(), every=HOUR), seconds=10)
    source = FakeSource()
    scheduled(store, job(source, every=HOUR), seconds=HOUR, wall=later)
    assert HOUR - 61 <= source.times()[0] <= HOUR - 58
    other = FakeSource()
    scheduled(store, job(other, every=HOUR, deals="other options"), seconds=10, wall=later)
    assert other.times()[0] < 2
    assert other.asked[0][1].cursor is None


def test_refused_credentials_are_probed_ever_more_rarely(store: Store) -> None:
    refused = SourceRejectedError(Reason.UNAUTHORIZED, "401")
    source, heard = FakeSource("crm", ["deals", "calls"], deals=answering(refused)), Recorder()
    scheduled(store, job(source), seconds=12_000, heard=heard)
    assert [round(gap) for gap in gaps(source.times())] == [300, 600, 1200, 2400, 3600, 3600]
    assert source.times("calls") == []
    assert heard.states_of()[-1] == "auth_failed"


def test_one_forbidden_entity_leaves_the_others_alone(store: Store) -> None:
    forbidden = SourceRejectedError(Reason.FORBIDDEN, "403")
    source, heard = FakeSource("crm", ["deals", "calls"], deals=answering(forbidden)), Recorder()
    scheduled(store, job(source), seconds=1000, heard=heard)
    assert len(source.times("calls")) >= 15
    assert len(source.times("deals")) == 3
    assert heard.states_of()[-1] == "auth_failed"


def test_a_refused_request_is_not_tried_before_the_next_interval(store: Store) -> None:
    source = FakeSource(deals=answering(SourceRejectedError(Reason.SCHEMA, "another shape")))
    scheduled(store, job(source), seconds=600)
    assert all(60 <= gap <= 63 for gap in gaps(source.times()))


def test_a_source_that_hangs_or_fails_changes_nothing_for_the_others(store: Store) -> None:
    hanging, failing = FakeSource("hanging", deals=answering(DAY)), FakeSource("failing", deals=answering(UNREACHABLE))
    fine, heard = FakeSource("fine"), Recorder()
    scheduled(store, job(hanging), job(failing), job(fine), seconds=2000, heard=heard)
    assert len(fine.times()) >= 31
    assert all(60 <= gap <= 63 for gap in gaps(fine.times()))
    assert heard.states_of("fine")[-1] == "ok"
    timeouts = [report for report in heard.reports if report.source == "hanging"]
    assert [report.reason for report in timeouts] == [Reason.TIMEOUT] * 2


def test_everything_is_read_again_at_the_reconcile_interval(store: Store) -> None:
    source = FakeSource()
    scheduled(store, job(source, every=600, reconcile=2 * HOUR), seconds=5 * HOUR)
    full = [at for at, asked in source.asked if asked.cursor is None]
    assert len(full) == 3
    assert all(2 * HOUR <= gap <= 2 * HOUR + 660 for gap in gaps(full))
    assert len(source.asked) > 25


def test_a_full_reading_that_cannot_be_had_does_not_keep_changes_back(store: Store) -> None:
    async def capped(asked: Pass) -> AsyncIterator[Page]:
        if asked.cursor is None and now() > 100:
            raise IncompletePassError(Reason.CAPPED, "10,000 is the end")
        yield Page((), cursor="c")

    source = FakeSource(deals=capped)
    scheduled(store, job(source, every=300, reconcile=HOUR), seconds=3 * HOUR)
    full = [at for at, asked in source.asked if asked.cursor is None]
    assert len(full) == 3
    assert all(gap >= HOUR for gap in gaps(full[1:]))
    assert len(source.asked) > 33


def test_a_long_full_reading_takes_turns_with_changes(store: Store) -> None:
    async def large(asked: Pass) -> AsyncIterator[Page]:
        if asked.cursor is not None or now() < 100:
            yield Page(deals(1000 + int(now())), cursor=f"c{now()}")
            return
        for number in range(int(asked.resume or 0), 30):
            await asyncio.sleep(20)
            yield Page(deals(number), resume=str(number + 1))
        yield Page((), cursor="old", listing=Listing())

    source, heard = FakeSource(deals=large), Recorder()
    scheduled(store, job(source, reconcile=RECONCILE), seconds=2700, heard=heard)
    changes = [at for at, asked in source.asked if asked.cursor is not None]
    assert max(gaps(changes)) < 150, "the newest numbers are never older than two intervals and a page"
    assert any(report.paused for report in heard.reports)
    completed = [report for report in heard.reports if report.full and report.success]
    assert len(completed) == 2
    assert set(live(store)) > {str(number) for number in range(30)}
    assert "1000" not in live(store), "what the listing left out is gone"
    published_meanwhile = {str(1000 + int(at)) for at in changes if at > RECONCILE}
    assert published_meanwhile <= set(live(store))


def test_a_nudge_reads_at_once(store: Store) -> None:
    source = FakeSource()

    def push(scheduler: Scheduler) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(100, scheduler.nudge, "crm")
        loop.call_later(200, lambda: threading.Thread(target=scheduler.nudge, args=("crm",)).start())
        loop.call_later(300, scheduler.nudge, "unknown")

    scheduled(store, job(source, every=HOUR), seconds=400, meanwhile=push)
    assert [round(at) for at in source.times()][1:2] == [100]
    assert len(source.times()) == 3


def test_a_stop_breaks_off_what_is_being_read_and_keeps_what_was_written(store: Store) -> None:
    source = FakeSource(deals=answering(Page(deals(*range(1000)), resume="r"), DAY))
    scheduled(store, job(source), seconds=100)
    assert source.closed
    assert store.begin("crm", "deals", NOON + timedelta(hours=1)).resume == "r"


def test_a_stop_before_the_start_and_after_the_end(store: Store) -> None:
    source = FakeSource()
    scheduler = Scheduler([job(source)], store, Recorder(), clock)
    scheduler.nudge("crm")
    scheduler.stop()
    run(scheduler.run())
    scheduler.stop()
    scheduler.nudge("crm")
    assert source.closed


def test_a_stop_breaks_off_a_write_that_takes_too_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    publish = store.publish

    def endless(*args: object, **rest: object) -> object:
        with store._database.write() as connection:
            begun.set()
            connection.execute("SELECT count(*) FROM range(100_000_000_000) r(a) WHERE hash(a) % 7 = 0").fetchall()
        return publish(*args, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "publish", endless)
    monkeypatch.setattr("exporter.sync.scheduler.GRACE", 0.0)
    source = FakeSource(deals=answering(Page(deals(1), cursor="c")))

    async def work() -> None:
        scheduler = Scheduler([job(source)], store, Recorder(), clock, chance=random.Random(1))
        running = asyncio.create_task(scheduler.run())
        await asyncio.to_thread(begun.wait)
        scheduler.stop()
        await running

    asyncio.run(work())
    assert GRACE < 10
    monkeypatch.undo()
    assert live(store) == []
    assert store.begin("crm", "deals", NOON)


def test_a_source_that_does_not_let_go_is_left(store: Store) -> None:
    class Clinging(FakeSource):
        async def close(self) -> None:
            await asyncio.sleep(DAY)

    scheduled(store, job(Clinging()), seconds=10)


def test_nothing_is_read_while_the_store_cannot_be_written(store: Store) -> None:
    source, heard = FakeSource(deals=answering(Page(deals(1), cursor="c"))), Recorder()
    limit = no_file_beyond(1000)

    def fill_up(_: Scheduler) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(200, limit.__enter__)
        loop.call_later(1000, limit.__exit__, None, None, None)

    try:
        scheduled(store, job(source), seconds=1250, heard=heard, meanwhile=fill_up)
    finally:
        limit.__exit__(None, None, None)
    assert len([at for at in source.times() if 200 < at < 1000]) <= 1
    assert len([at for at in source.times() if at > 1000]) >= 4
    assert min(at for at in source.times() if at > 1000) < 1060
    states = heard.states_of()
    assert "paused" in states
    assert states[-1] == "ok"
    assert ("ping", "error") in heard.failures
    assert store.up


def test_a_store_that_vanishes_is_begun_anew(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    source, heard = FakeSource(deals=answering(Page(deals(1), cursor="c"))), Recorder()

    def remove(_: Scheduler) -> None:
        asyncio.get_running_loop().call_later(200, store.path.unlink)

    scheduled(store, job(source), seconds=400, heard=heard, meanwhile=remove)
    assert heard.rebuilds == 1
    assert store.rebuilt
    assert ("ping", "damaged") in heard.failures
    full = [at for at, asked in source.asked if asked.cursor is None]
    assert full[0] < 2
    assert 200 <= full[1] < 210
    assert live(store) == ["1"]
    store.close()


def test_a_store_that_may_not_be_begun_anew_ends_the_sync(tmp_path: Path) -> None:
    store = Store.open(tmp_path, on_corrupt="fail")
    source = FakeSource()

    def remove(_: Scheduler) -> None:
        asyncio.get_running_loop().call_later(100, store.path.unlink)

    with pytest.raises(StoreDamagedError):
        scheduled(store, job(source), seconds=1000, meanwhile=remove)
    assert source.closed
    store.close()


def test_jumps_of_the_wall_clock_are_told_and_change_no_schedule(store: Store) -> None:
    source, heard = FakeSource(), Recorder()

    def wall() -> datetime:
        jump = timedelta(hours=2) if 200 <= now() < 400 else timedelta(hours=-3) if now() >= 400 else timedelta()
        return clock() + jump + timedelta(seconds=now() / 100)

    scheduled(store, job(source), seconds=600, heard=heard, wall=wall)
    assert [round(seconds / HOUR) for seconds in heard.jumps] == [2, -5]
    assert all(60 <= gap <= 63 for gap in gaps(source.times()))


def test_a_fault_of_our_own_in_one_source_is_not_the_end_of_all(store: Store) -> None:
    class Broken(FakeSource):
        def read(self, asked: Pass) -> AsyncIterator[Page]:
            raise RuntimeError("a bug")

    broken, fine, heard = Broken("broken"), FakeSource("fine"), Recorder()
    scheduled(store, job(broken), job(fine), seconds=600, heard=heard)
    assert len(fine.times()) >= 9
    assert {report.reason for report in heard.reports if report.source == "broken"} == {Reason.INTERNAL}


def test_even_a_fault_outside_of_a_pass_is_survived(store: Store) -> None:
    class Deaf(Recorder):
        def scheduled(self, source: str, entity: str, at: datetime) -> None:
            if source == "unlucky":
                raise RuntimeError("a bug")
            super().scheduled(source, entity, at)

    unlucky, fine = FakeSource("unlucky", deals=NOTHING), FakeSource("fine")
    scheduled(store, job(unlucky), job(fine), seconds=600, heard=Deaf())
    assert len(fine.times()) >= 9
    assert len(unlucky.times()) >= 4


def test_a_store_that_cannot_be_begun_anew_yet_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path)
    source, heard = FakeSource(deals=answering(Page(deals(1), cursor="c"))), Recorder()
    recover = store.recover

    def refuse() -> None:
        monkeypatch.setattr(store, "recover", recover)
        raise StoreError("no space")

    def remove(_: Scheduler) -> None:
        asyncio.get_running_loop().call_later(100, store.path.unlink)

    monkeypatch.setattr(store, "recover", refuse)
    scheduled(store, job(source), seconds=200, heard=heard, meanwhile=remove)
    assert heard.rebuilds == 1
    assert live(store) == ["1"]
    store.close()


def test_outcomes_that_cannot_be_read_pause_the_source(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = store.outcomes

    def refuse() -> None:
        monkeypatch.setattr(store, "outcomes", outcomes)
        raise StoreError("busy")

    monkeypatch.setattr(store, "outcomes", refuse)
    source, heard = FakeSource(), Recorder()
    scheduled(store, job(source), seconds=100, heard=heard)
    assert heard.states_of() == ["paused", "backfill", "ok"]
    assert len(source.times()) == 2
