"""One pass over everything, and its summary as JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from exporter.errors import RateLimitedError, Reason, SourceRejectedError, SourceUnavailableError
from exporter.passes import Page, Pass
from exporter.store.store import Store
from exporter.sync.once import MAX_WAIT, Summary, sync_once
from exporter.sync.schedule import Job
from tests.store.samples import live
from tests.sync.fakes import NOON, FakeSource, Recorder, answering, clock, deals
from tests.sync.virtual_time import now, run


def once(store: Store, *sources: FakeSource, observer: Recorder | None = None, **options: Any) -> Summary:
    jobs = [Job(source, timedelta(minutes=1)) for source in sources]
    return run(sync_once(jobs, store, observer or Recorder(), clock, **options))


def test_every_entity_of_every_source_is_read_once(store: Store) -> None:
    crm = FakeSource("crm", ["deals", "people"], deals=answering(Page(deals(1, 2), cursor="c")))
    phone, observer = FakeSource("phone", ["calls"]), Recorder()
    summary = once(store, crm, phone, observer=observer)
    assert summary.success
    assert [(p.source, p.entity, p.new) for p in summary.passes] == [
        ("crm", "deals", 2),
        ("crm", "people", 0),
        ("phone", "calls", 0),
    ]
    assert sorted(observer.publications) == [("crm", "deals"), ("crm", "people"), ("phone", "calls")]
    assert live(store) == ["1", "2"]


def test_a_failure_is_in_the_summary_and_stops_no_other_source(store: Store) -> None:
    refused = SourceRejectedError(Reason.SCHEMA, "another shape")
    crm = FakeSource("crm", ["deals", "people"], deals=answering(refused))
    summary = once(store, crm, FakeSource("fine"))
    assert not summary.success
    assert [report.success for report in summary.passes] == [False, True, True]
    told = json.loads(json.dumps(summary.as_json()))
    assert told["success"] is False
    first = told["passes"][0]
    assert (first["source"], first["entity"], first["reason"]) == ("crm", "deals", "schema")
    assert first["message"] == "another shape"
    assert {"new", "updated", "unchanged", "deleted", "rejected", "rejected_by", "pages", "seconds"} <= set(first)


def test_an_unreachable_source_is_tried_once(store: Store) -> None:
    away = SourceUnavailableError(Reason.CONNECT, "refused")
    crm = FakeSource("crm", ["deals", "people", "calls"], deals=answering(away))
    summary = once(store, crm)
    assert len(crm.passes) == 1
    assert [report.reason for report in summary.passes] == [Reason.CONNECT] * 3


def test_a_pass_resumes_after_short_waits_of_the_vendor(store: Store) -> None:
    async def limited(sync_pass: Pass) -> AsyncIterator[Page]:
        number = int(sync_pass.resume or 0)
        yield Page(deals(number), resume=str(number + 1), cursor="c")
        if number < 3:
            raise RateLimitedError("wait", 20.0)

    async def work() -> tuple[Summary, float]:
        source = FakeSource(deals=limited)
        return await sync_once([Job(source, timedelta(minutes=1))], store, Recorder(), clock), now()

    summary, seconds = run(work())
    assert summary.success
    assert seconds == 60
    assert live(store) == ["0", "1", "2", "3"]


def test_a_long_wait_fails_the_pass(store: Store) -> None:
    source = FakeSource(deals=answering(RateLimitedError("wait", MAX_WAIT + 1)))
    assert once(store, source).passes[0].reason is Reason.RATE_LIMITED
    endless = FakeSource("endless", deals=answering(RateLimitedError("wait", 50.0)))
    assert once(store, endless).passes[0].reason is Reason.RATE_LIMITED
    assert len(endless.passes) == 3
    hectic = FakeSource("hectic", deals=answering(RateLimitedError("wait", 0.0)))
    assert once(store, hectic).passes[0].reason is Reason.RATE_LIMITED


def test_a_wait_from_an_earlier_process_is_kept(store: Store) -> None:
    store.fail("crm", "deals", Reason.RATE_LIMITED, NOON, retry_at=NOON + timedelta(minutes=90))
    crm = FakeSource("crm", ["deals", "people"])
    summary = once(store, crm)
    assert [(report.entity, report.success) for report in summary.passes] == [("deals", False), ("people", True)]
    assert summary.passes[0].message == "the vendor accepts no request for another 1 h 30 min"
    assert [sync_pass.entity for _, sync_pass in crm.passes] == ["people"]
    (outcome,) = (outcome for outcome in store.outcomes() if outcome.entity == "deals")
    assert (outcome.failures, outcome.retry_at) == (1, NOON + timedelta(minutes=90))


def test_a_short_wait_from_an_earlier_process_passes_once(store: Store) -> None:
    for entity in ("deals", "people"):
        store.fail("crm", entity, Reason.RATE_LIMITED, NOON, retry_at=NOON + timedelta(seconds=30))
    crm = FakeSource("crm", ["deals", "people"])
    assert once(store, crm).success
    assert crm.times() == [30, 30]


def test_passes_can_be_selected_and_full(store: Store) -> None:
    once(store, FakeSource("crm", ["deals", "people"]))
    crm = FakeSource("crm", ["deals", "people"])
    summary = once(store, crm, full=True, only={("crm", "people")})
    assert [(report.entity, report.full) for report in summary.passes] == [("people", True)]
    assert [sync_pass.cursor for _, sync_pass in crm.passes] == [None]
