"""Sources in virtual time: when each is read, and when everything is read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from exporter.errors import IncompletePassError, Reason
from exporter.passes import Listing, Page, Pass
from exporter.store.store import Store
from tests.store.samples import live
from tests.sync.fakes import NOON, FakeSource, Recorder, clock, deals
from tests.sync.run_scheduler import HOUR, gaps, job, scheduled
from tests.sync.virtual_time import now

RECONCILE = 1500.0


def test_each_source_is_read_at_its_own_interval(store: Store) -> None:
    fast, slow = FakeSource("fast", ["deals", "calls"]), FakeSource("slow")
    observer = Recorder()
    scheduled(store, job(fast), job(slow, every=600), seconds=1300, observer=observer)
    for entity in ("deals", "calls"):
        assert 20 <= len(fast.times(entity)) <= 22
        assert all(60 <= gap <= 63 for gap in gaps(fast.times(entity)))
    assert all(600 <= gap <= 630 for gap in gaps(slow.times()))
    assert observer.states_of("fast") == ["starting", "backfill", "ok"]
    assert fast.closed
    assert slow.closed
    plan = next(at for name, _, at in observer.plans if name == "slow")
    assert timedelta(seconds=600) <= plan - NOON <= timedelta(seconds=632)


def later() -> datetime:
    return clock() + timedelta(minutes=1)


def test_a_restart_keeps_the_interval(store: Store) -> None:
    scheduled(store, job(FakeSource(), every=HOUR), seconds=10)
    source = FakeSource()
    scheduled(store, job(source, every=HOUR), seconds=HOUR, wall=later)
    assert HOUR - 61 <= source.times()[0] <= HOUR - 58
    other = FakeSource()
    scheduled(store, job(other, every=HOUR, deals="other options"), seconds=10, wall=later)
    assert other.times()[0] < 2
    assert other.passes[0][1].cursor is None


def test_everything_is_read_again_at_the_reconcile_interval(store: Store) -> None:
    source = FakeSource()
    scheduled(store, job(source, every=600, reconcile=2 * HOUR), seconds=5 * HOUR)
    full = [at for at, sync_pass in source.passes if sync_pass.cursor is None]
    assert len(full) == 3
    assert all(2 * HOUR <= gap <= 2 * HOUR + 660 for gap in gaps(full))
    assert len(source.passes) > 25


def test_a_failing_full_pass_does_not_delay_changes(store: Store) -> None:
    async def capped(sync_pass: Pass) -> AsyncIterator[Page]:
        if sync_pass.cursor is None and now() > 100:
            raise IncompletePassError(Reason.CAPPED, "10,000 is the end")
        yield Page((), cursor="c")

    source = FakeSource(deals=capped)
    scheduled(store, job(source, every=300, reconcile=HOUR), seconds=3 * HOUR)
    full = [at for at, sync_pass in source.passes if sync_pass.cursor is None]
    assert len(full) == 3
    assert all(gap >= HOUR for gap in gaps(full[1:]))
    assert len(source.passes) > 33


def test_a_long_full_pass_alternates_with_changes(store: Store) -> None:
    async def large(sync_pass: Pass) -> AsyncIterator[Page]:
        if sync_pass.cursor is not None or now() < 100:
            yield Page(deals(1000 + int(now())), cursor=f"c{now()}")
            return
        for number in range(int(sync_pass.resume or 0), 30):
            await asyncio.sleep(20)
            yield Page(deals(number), resume=str(number + 1))
        yield Page((), cursor="old", listing=Listing())

    source, observer = FakeSource(deals=large), Recorder()
    scheduled(store, job(source, reconcile=RECONCILE), seconds=2700, observer=observer)
    changes = [at for at, sync_pass in source.passes if sync_pass.cursor is not None]
    assert max(gaps(changes)) < 150, "the newest numbers are never older than two intervals and a page"
    assert any(report.paused for report in observer.reports)
    completed = [report for report in observer.reports if report.full and report.success]
    assert len(completed) == 2
    assert set(live(store)) > {str(number) for number in range(30)}
    assert "1000" not in live(store), "what the listing left out is gone"
    published_meanwhile = {str(1000 + int(at)) for at in changes if at > RECONCILE}
    assert published_meanwhile <= set(live(store))


def test_wall_clock_jumps_are_reported_and_change_no_schedule(store: Store) -> None:
    source, observer = FakeSource(), Recorder()

    def wall() -> datetime:
        jump = timedelta(hours=2) if 200 <= now() < 400 else timedelta(hours=-3) if now() >= 400 else timedelta()
        return clock() + jump + timedelta(seconds=now() / 100)

    scheduled(store, job(source), seconds=600, observer=observer, wall=wall)
    assert [round(seconds / HOUR) for seconds in observer.jumps] == [2, -5]
    assert all(60 <= gap <= 63 for gap in gaps(source.times()))
