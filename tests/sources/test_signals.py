"""What the metrics say where a vendor cuts a listing short, or no longer tells of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter import naming
from exporter.config.root import Config
from exporter.exposition.self_metrics import SelfMetrics
from exporter.runtime.reporter import Reporter
from exporter.sources.base import Source
from exporter.sources.registry import create
from exporter.store.state import Outcome
from exporter.store.store import Store
from exporter.sync.observer import PassReport
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from tests.demo.tiny_company import TinyCompany, phone_call
from tests.evaluation.records import small_config
from tests.fakes.api import FakeApi
from tests.sources import account
from tests.sources.providers.aircall.phones import Phones
from tests.sources.providers.pipedrive.vendor import TOKEN, Pipedrive
from tests.sources.providers.stripe.vendor import KEY, Stripe
from tests.sources.providers.zendesk.vendor import HOST, Zendesk
from tests.sources.providers.zendesk.vendor import TOKEN as ZENDESK
from tests.sources.source_context import NOW, FakeClock, options, rest, source_context
from tests.store.samples import watermarks

Made = tuple[Source, Callable[[], datetime]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(tmp_path / "data")
    yield made
    made.close()


def sync(source: Source, now: Callable[[], datetime], store: Store, self_metrics: SelfMetrics) -> PassReport:
    """One pass over the first entity, reported as the exporter reports it."""

    async def work() -> PassReport:
        thread = StoreThread()
        try:
            reporter = Reporter(self_metrics, config_of(source), lambda: None)
            return await PassRunner(store, thread, reporter, now).run(PassRequest(source, source.entities[0]))
        finally:
            thread.close()

    return account.run(work())


def config_of(source: Source) -> Config:
    """A config that names the source: of others nothing is told."""
    known = small_config()
    (listing,) = rest({"entity": source.entities[0]}, name=source.name).entities
    named = rest({}, name=source.name).model_copy(update={"entities": (listing,)})
    return known.model_copy(update={"sources": (named,)})


def _aircall_calls() -> Made:
    phones = Phones(TinyCompany(calls=[phone_call(key, 10) for key in range(1, 10_002)]))
    phones.clock.advance(60)
    return phones.source("calls"), phones.clock


def _aircall_people() -> Made:
    phones = Phones()
    few = {"meta": {"total": 10_001}, "users": []}
    phones.line.fault = lambda request: httpx.Response(200, json=few) if "/users" in request.url.path else None
    return phones.source("people"), phones.clock


def _rest() -> Made:
    vendor = FakeApi([{"id": key, "amount": "1", "updated_at": NOW.isoformat()} for key in range(9)], hidden=2)
    listing = {"total": "total", "pagination": {"cursor": {"path": "paging.next.after", "param": "after"}}}
    chosen = rest(listing)
    clock = FakeClock()
    return create(chosen, source_context(vendor.transport(), clock=clock)), clock


def _zendesk() -> Made:
    vendor = Zendesk()
    for key in range(1, 1101):
        vendor.call(key)
    clock = FakeClock(NOW + timedelta(minutes=2))
    vendor.now = clock.now
    chosen = options(
        provider="zendesk", base_url=HOST, entities=["calls"],
        api_token={"email": "ada@example.com", "token": {"env": "TOKEN"}},
    )  # fmt: skip
    return create(chosen, source_context(vendor.transport(), clock=clock, TOKEN=ZENDESK)), clock


CUT: dict[str, Callable[[], Made]] = {
    "aircall": _aircall_calls, "aircall people": _aircall_people, "rest": _rest, "zendesk": _zendesk,
}  # fmt: skip


@pytest.mark.parametrize("vendor", sorted(CUT))
def test_a_silent_cap_fails_the_pass_and_shows_in_the_metrics(vendor: str, store: Store) -> None:
    source, now = CUT[vendor]()
    self_metrics = SelfMetrics()
    report = sync(source, now, store, self_metrics)
    assert (report.success, report.reason) == (False, "capped")
    assert self_metrics.value(naming.CAPPED, source.name, source.entities[0]) == 1
    assert self_metrics.value(naming.ERRORS, source.name, source.entities[0], "capped") == 1
    assert watermarks(store) == {}
    with store.reading() as connection:
        query = f"SELECT count(*) FROM {source.entities[0]}"
        assert connection.execute(query).fetchone() == (0,)


def _stripe(clock: FakeClock) -> tuple[Source, Any]:
    vendor = Stripe()
    vendor.put("charges", "ch_1", status="succeeded", amount=100, currency="usd", amount_refunded=0)
    chosen = options(provider="stripe", key={"env": "KEY"}, entities=["payments"])
    return create(chosen, source_context(vendor.transport(), clock=clock, KEY=KEY)), vendor


def _pipedrive(clock: FakeClock) -> tuple[Source, Any]:
    vendor = Pipedrive()
    vendor.deal(1)
    chosen = options(provider="pipedrive", token={"env": "KEY"}, entities=["deals"])
    return create(chosen, source_context(vendor.transport(), clock=clock, KEY=TOKEN)), vendor


@pytest.mark.parametrize("made", [_stripe, _pipedrive])
def test_an_unrequested_full_pass_shows_in_the_metrics(made: Any, store: Store) -> None:
    """The cursor is older than what the vendor still tells of: everything is read by itself, and the metric moves."""
    clock = FakeClock()
    source, vendor = made(clock)
    began = clock.now
    assert sync(source, clock, store, SelfMetrics()).full
    for days, last_full in ((10, began), (51, began + timedelta(days=51))):
        clock.now = vendor.now = began + timedelta(days=days)
        if days == 51:
            forget(vendor)
        report = sync(source, clock, store, SelfMetrics())
        assert (report.success, report.full, report.deleted) == (True, False, int(days == 51))
        assert outcome(store).last_full == last_full


def forget(vendor: Any) -> None:
    """What was there is gone, and no feed tells of it any more."""
    (vendor.objects["charges"] if isinstance(vendor, Stripe) else vendor.deals).clear()


def outcome(store: Store) -> Outcome:
    """How the only entity was read."""
    (found,) = store.outcomes()
    return found
