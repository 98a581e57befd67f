"""Sources in virtual time: failures of one source do not affect the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from exporter.errors import RateLimitedError, Reason, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.store.store import Store
from exporter.sync.scheduler import Scheduler
from tests.sync.fakes import NOON, NOTHING, FakeSource, Recorder, answering
from tests.sync.run_scheduler import DAY, UNREACHABLE, gaps, job, scheduled


def test_an_unreachable_source_is_retried_with_growing_waits(store: Store) -> None:
    source, observer = FakeSource(deals=answering(UNREACHABLE)), Recorder()

    def back(scheduler: Scheduler) -> None:
        asyncio.get_running_loop().call_later(900, source.answers.clear)

    scheduled(store, job(source), seconds=1200, observer=observer, meanwhile=back)
    before = gaps([at for at in source.times() if at < 900])
    assert all(gap <= most for gap, most in zip(before, (2, 4, 8, 16), strict=False))
    assert len(set(before[:4])) == 4, "the waits are jittered"
    assert all(60 <= gap <= 63 for gap in before[4:]), "once an interval after the fifth failure"
    assert observer.states_of() == ["starting", "backfill", "down", "ok"]
    assert store.outcomes()[0].failures == 0


def test_entities_of_an_unreachable_source_are_skipped(store: Store) -> None:
    source, observer = FakeSource("crm", ["deals", "calls"], deals=answering(UNREACHABLE)), Recorder()
    scheduled(store, job(source), seconds=1, observer=observer)
    assert source.times("calls") == []
    assert [(report.entity, report.reason) for report in observer.reports[:2]] == [
        ("deals", Reason.CONNECT),
        ("calls", Reason.CONNECT),
    ]
    assert {outcome.failures for outcome in store.outcomes()} != {0}


def test_no_pass_starts_before_the_vendor_allows_it(store: Store) -> None:
    source, observer = (
        FakeSource("crm", ["deals", "calls"], deals=answering(RateLimitedError("wait", 1800.0))),
        Recorder(),
    )
    scheduled(store, job(source), seconds=1790, observer=observer)
    assert len(source.times()) == 1
    assert observer.states_of()[-1] == "rate_limited"
    assert {at - NOON >= timedelta(seconds=1800) for _, _, at in observer.plans} == {True}


def test_a_restart_does_not_shorten_the_vendor_s_wait(store: Store) -> None:
    scheduled(store, job(FakeSource(deals=answering(RateLimitedError("wait", 1800.0)))), seconds=10)
    source = FakeSource()
    scheduled(store, job(source), seconds=1900)
    assert source.times()[0] >= 1790


def test_refused_credentials_are_probed_with_growing_waits(store: Store) -> None:
    refused = SourceRejectedError(Reason.UNAUTHORIZED, "401")
    source, observer = FakeSource("crm", ["deals", "calls"], deals=answering(refused)), Recorder()
    scheduled(store, job(source), seconds=12_000, observer=observer)
    assert [round(gap) for gap in gaps(source.times())] == [300, 600, 1200, 2400, 3600, 3600]
    assert source.times("calls") == []
    assert observer.states_of()[-1] == "auth_failed"


def test_a_forbidden_entity_does_not_affect_the_others(store: Store) -> None:
    forbidden = SourceRejectedError(Reason.FORBIDDEN, "403")
    source, observer = FakeSource("crm", ["deals", "calls"], deals=answering(forbidden)), Recorder()
    scheduled(store, job(source), seconds=1000, observer=observer)
    assert len(source.times("calls")) >= 15
    assert len(source.times("deals")) == 3
    assert observer.states_of()[-1] == "auth_failed"


def test_a_rejected_request_is_not_retried_before_the_next_interval(store: Store) -> None:
    source = FakeSource(deals=answering(SourceRejectedError(Reason.SCHEMA, "another shape")))
    scheduled(store, job(source), seconds=600)
    assert all(60 <= gap <= 63 for gap in gaps(source.times()))


def test_a_hanging_or_failing_source_does_not_affect_the_others(store: Store) -> None:
    hanging, failing = FakeSource("hanging", deals=answering(DAY)), FakeSource("failing", deals=answering(UNREACHABLE))
    fine, observer = FakeSource("fine"), Recorder()
    scheduled(store, job(hanging), job(failing), job(fine), seconds=2000, observer=observer)
    assert len(fine.times()) >= 31
    assert all(60 <= gap <= 63 for gap in gaps(fine.times()))
    assert observer.states_of("fine")[-1] == "ok"
    timeouts = [report for report in observer.reports if report.source == "hanging"]
    assert [report.reason for report in timeouts] == [Reason.TIMEOUT] * 2


def test_a_bug_in_one_source_does_not_affect_the_others(store: Store) -> None:
    class Broken(FakeSource):
        def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
            raise RuntimeError("a bug")

    broken, fine, observer = Broken("broken"), FakeSource("fine"), Recorder()
    scheduled(store, job(broken), job(fine), seconds=600, observer=observer)
    assert len(fine.times()) >= 9
    assert {report.reason for report in observer.reports if report.source == "broken"} == {Reason.INTERNAL}


def test_a_bug_outside_of_a_pass_does_not_end_the_loop(store: Store) -> None:
    class Deaf(Recorder):
        def scheduled(self, source: str, entity: str, at: datetime) -> None:
            if source == "unlucky":
                raise RuntimeError("a bug")
            super().scheduled(source, entity, at)

    unlucky, fine = FakeSource("unlucky", deals=NOTHING), FakeSource("fine")
    scheduled(store, job(unlucky), job(fine), seconds=600, observer=Deaf())
    assert len(fine.times()) >= 9
    assert len(unlucky.times()) >= 4
