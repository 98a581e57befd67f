"""A small account at each vendor that is read over HTTP, with somebody in between who may answer or change answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from exporter.passes import Page, Pass
from exporter.sources.base import Source, SourceContext
from exporter.sources.registry import create
from exporter.store.store import Store
from exporter.sync.observer import Observer, PassReport
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from tests.demo.tiny_company import ManualClock, TinyCompany, deal, phone_call
from tests.fakes.api import FakeApi
from tests.sources import account
from tests.sources.account import run
from tests.sources.providers.aircall.phones import Phones
from tests.sources.providers.asterisk.manager import LIVE, manager
from tests.sources.providers.asterisk.manager import SECRET as ASTERISK
from tests.sources.providers.hubspot.crm import Crm
from tests.sources.providers.pipedrive.vendor import TOKEN as PIPEDRIVE
from tests.sources.providers.pipedrive.vendor import Pipedrive
from tests.sources.providers.salesforce.vendor import HOST as SALESFORCE_HOST
from tests.sources.providers.salesforce.vendor import SECRET as SALESFORCE
from tests.sources.providers.salesforce.vendor import Salesforce, error
from tests.sources.providers.stripe.vendor import KEY as STRIPE
from tests.sources.providers.stripe.vendor import Stripe
from tests.sources.providers.twilio.vendor import ACCOUNT, Twilio
from tests.sources.providers.twilio.vendor import SECRET as TWILIO
from tests.sources.providers.zendesk.vendor import HOST as ZENDESK_HOST
from tests.sources.providers.zendesk.vendor import TOKEN as ZENDESK
from tests.sources.providers.zendesk.vendor import Zendesk
from tests.sources.source_context import FakeClock, options, rest, source_context

COUNT = 5
"""Records in each account; pages hold two or three of them where the vendor can be told so."""

Rows = Callable[[Any], list[Any]]


class Between(httpx.AsyncBaseTransport):
    """Passes requests on, unless `instead` answers; `alter` changes what comes back. Token requests are left alone."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.log: list[httpx.Request] = []
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        self.alter: Callable[[httpx.Request, httpx.Response], httpx.Response] = lambda _, answer: answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if "oauth" in request.url.path:
            return await self._inner.handle_async_request(request)
        self.log.append(request)
        if (special := self.instead(request)) is not None:
            return special
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        return self.alter(request, answer)


@dataclass
class Account:
    """A source in front of its fake. `later` moves the clock of both by seconds, `now` tells it."""

    source: Source
    entity: str
    secret: str
    between: Between
    now: Callable[[], datetime]
    later: Callable[[float], None]
    limited: Callable[[], httpx.Response] = field(default=lambda: httpx.Response(429, json={}))


def _hubspot(name: str) -> Account:
    clock = ManualClock()
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, COUNT + 1)]), clock)
    clock.advance(60)
    between = Between(crm.line)
    chosen = options(name=name, provider="hubspot", token={"env": "SECRET"}, entities=["deals"], max_per_second=1000)
    source = create(chosen, account.source_context(clock, between))
    return Account(source, "deals", account.SECRET, between, clock, lambda s: clock.advance(s / 60))


def _aircall(name: str) -> Account:
    clock = ManualClock()
    phones = Phones(TinyCompany(calls=[phone_call(key, key) for key in range(1, COUNT + 1)]), clock)
    clock.advance(60)
    between = Between(phones.line)
    chosen = options(
        name=name, provider="aircall", api_id="key", api_token={"env": "SECRET"}, entities=["calls"],
        max_per_second=1000,
    )  # fmt: skip
    source = create(chosen, account.source_context(clock, between))
    return Account(source, "calls", account.SECRET, between, clock, lambda s: clock.advance(s / 60))


def _context(inner: httpx.AsyncBaseTransport, clock: FakeClock, secret: str) -> tuple[Between, SourceContext]:
    between = Between(inner)
    return between, source_context(between, clock=clock, SECRET=secret)


def _rest(name: str) -> Account:
    clock, secret = FakeClock(), "rest_canary"
    stamp = (clock.now - timedelta(hours=1)).isoformat()
    vendor = FakeApi([{"id": key, "amount": "5", "updated_at": stamp} for key in range(COUNT)], page=2)
    between, context = _context(vendor.transport(), clock, secret)
    listing = {
        "since": {"param": "since", "format": "iso"},
        "pagination": {"cursor": {"path": "paging.next.after", "param": "after"}},
    }
    chosen = rest(listing, name=name, auth={"bearer": {"env": "SECRET"}})
    return Account(create(chosen, context), "deals", secret, between, clock, clock.advance)


def _salesforce(name: str) -> Account:
    clock, vendor = FakeClock(), Salesforce(limit=3)
    for number in range(COUNT):
        vendor.opportunity(number)
    between, context = _context(vendor.transport(), clock, SALESFORCE)
    chosen = options(
        name=name, provider="salesforce", base_url=SALESFORCE_HOST, client_id="app", client_secret={"env": "SECRET"},
        entities=["deals"],
    )  # fmt: skip
    exceeded = lambda: error("REQUEST_LIMIT_EXCEEDED", 403)  # noqa: E731
    return Account(create(chosen, context), "deals", SALESFORCE, between, clock, clock.advance, exceeded)


def _pipedrive(name: str) -> Account:
    clock, vendor = FakeClock(), Pipedrive(page=3)
    for number in range(1, COUNT + 1):
        vendor.deal(number)
    between, context = _context(vendor.transport(), clock, PIPEDRIVE)
    chosen = options(name=name, provider="pipedrive", token={"env": "SECRET"}, entities=["deals"])
    page = lambda: httpx.Response(403, html="<html>blocked</html>")  # noqa: E731
    return Account(create(chosen, context), "deals", PIPEDRIVE, between, clock, clock.advance, page)


def _zendesk(name: str) -> Account:
    clock, vendor = FakeClock(), Zendesk(page=4)
    for number in range(1, COUNT + 1):
        vendor.call(number)
        vendor.now += timedelta(seconds=1)
    vendor.now = clock.now
    between, context = _context(vendor.transport(), clock, ZENDESK)
    chosen = options(
        name=name, provider="zendesk", base_url=ZENDESK_HOST, entities=["calls"],
        api_token={"email": "ada@example.com", "token": {"env": "SECRET"}},
    )  # fmt: skip
    clock.advance(120)
    vendor.now = clock.now

    def later(seconds: float) -> None:
        clock.advance(seconds)
        vendor.now = clock.now

    return Account(create(chosen, context), "calls", ZENDESK, between, clock, later)


def _twilio(name: str) -> Account:
    clock, vendor = FakeClock(), Twilio(page=2)
    for number in range(COUNT):
        vendor.call(f"CA{number}", clock.now - timedelta(hours=9 * number + 1))
    between, context = _context(vendor.transport(), clock, TWILIO)
    chosen = options(
        name=name, provider="twilio", account_sid=ACCOUNT, secret={"env": "SECRET"}, history="2d", entities=["calls"]
    )
    busy = lambda: httpx.Response(429, json={"code": 20429})  # noqa: E731
    return Account(create(chosen, context), "calls", TWILIO, between, clock, clock.advance, busy)


def _stripe(name: str) -> Account:
    clock, vendor = FakeClock(), Stripe(page=3)
    for number in range(COUNT):
        vendor.put("charges", f"ch_{number}", status="succeeded", amount=100, currency="usd", amount_refunded=0)
    between, context = _context(vendor.transport(), clock, STRIPE)
    chosen = options(name=name, provider="stripe", key={"env": "SECRET"}, entities=["payments"])

    def later(seconds: float) -> None:
        clock.advance(seconds)
        vendor.now = clock.now

    reason = {"stripe-rate-limited-reason": "global-concurrency"}
    limited = lambda: httpx.Response(429, headers=reason, json={})  # noqa: E731
    return Account(create(chosen, context), "payments", STRIPE, between, clock, later, limited)


def _asterisk(name: str) -> Account:
    clock = FakeClock()
    between, context = _context(manager()[0], clock, ASTERISK)
    return Account(
        create(options(name=name, provider="asterisk", **LIVE), context),
        "measurements", ASTERISK, between, clock, clock.advance,
    )  # fmt: skip


ACCOUNTS: Mapping[str, Callable[[str], Account]] = {
    "aircall": _aircall, "asterisk": _asterisk, "hubspot": _hubspot, "pipedrive": _pipedrive, "rest": _rest,
    "salesforce": _salesforce, "stripe": _stripe, "twilio": _twilio, "zendesk": _zendesk,
}  # fmt: skip
"""Provider to its account, made anew under a source's name."""


def pages(account: Account, cursor: str | None = None, resume: str | None = None) -> list[Page]:
    """All pages of one pass now."""

    async def gather() -> list[Page]:
        asked = Pass(account.entity, account.now(), cursor, resume)
        return [page async for page in account.source.read(asked)]

    return run(gather())


def sync(account: Account, store: Store, *, full: bool = False) -> PassReport:
    """One pass into the store, as the exporter makes it."""

    async def work() -> PassReport:
        thread = StoreThread()
        try:
            return await PassRunner(store, thread, Observer(), account.now).run(
                PassRequest(account.source, account.entity, full)
            )
        finally:
            thread.close()

    return run(work())


def kept(store: Store, entity: str, source: str = "source") -> list[tuple[Any, ...]]:
    """Id and version of all that is stored and not deleted."""
    with store.reading() as connection:
        query = f"SELECT id, updated_at FROM {entity} WHERE source = ? AND NOT deleted ORDER BY id"
        return connection.execute(query, [source]).fetchall()
