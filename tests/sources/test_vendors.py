"""What holds of every vendor that is read over HTTP, whatever goes wrong on the way."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.errors import RateLimitedError, Reason, SourceError
from exporter.passes import Page, Pass
from exporter.sources.http.rate_limit import ATTEMPTS
from exporter.store.store import Store
from tests.sources.account import run
from tests.sources.vendors import ACCOUNTS, COUNT, Account, kept, pages, sync
from tests.store.samples import watermarks

PROVIDERS = sorted(ACCOUNTS)
READ = [provider for provider in PROVIDERS if provider != "asterisk"]
"""Those whose records come over HTTP: Asterisk only measures its queues so."""

_INSTANT = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+\+00:00")


@pytest.fixture(params=PROVIDERS)
def account(request: pytest.FixtureRequest) -> Account:
    return ACCOUNTS[request.param]("source")


@pytest.fixture(params=READ)
def read_account(request: pytest.FixtureRequest) -> Account:
    return ACCOUNTS[request.param]("source")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(tmp_path / "data")
    yield made
    made.close()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Please log in</html>"),
        httpx.Response(200, content=b'{"data": [', headers={"content-type": "application/json"}),
        httpx.Response(200, text="<?xml version='1.0'?><rows/>", headers={"content-type": "application/xml"}),
        httpx.Response(204),
        httpx.Response(200, json=None),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"error": {"message": "something went wrong"}}),
        httpx.Response(403, json={}),
        httpx.Response(404, json={}),
    ],
    ids=["html", "cut", "xml", "no content", "null", "empty object", "empty list", "error in 200", "403", "404"],
)
def test_an_unusable_response_is_never_zero_records(account: Account, answer: httpx.Response) -> None:
    """A pass that ends without an error says that there is no more."""
    account.between.instead = lambda _: answer
    with pytest.raises(SourceError) as raised:
        pages(account)
    assert raised.value.reason is not Reason.INTERNAL


def test_a_row_of_nulls_does_not_fail_the_pass(read_account: Account) -> None:
    """It is taken for what it says, which is nothing, or rejected alone."""
    calm = {record.id for page in pages(read_account) for record in page.records}
    read_account.between.alter = with_rows(lambda rows: [*rows, nothing(rows[-1])] if rows else rows)
    found = pages(read_account)
    assert calm <= {record.id for page in found for record in page.records}


def nothing(row: Any) -> Any:
    """A row of which only what makes it a row is left."""
    if not isinstance(row, dict):
        return row
    own = {"sid", "SystemModstamp", "id", "Id"}
    return {name: value if name in own else None for name, value in row.items()}


def with_rows(change: Any) -> Any:
    """Changes the rows of each list in an answer."""

    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        body = {} if "pipelines" in request.url.path else answer.json()
        if not body:
            return answer
        for name in ("results", "calls", "data", "records"):
            if isinstance(body, dict) and isinstance(body.get(name), list):
                body[name] = change(body[name])
        return httpx.Response(answer.status_code, json=body)

    return alter


def test_duplicate_rows_are_counted_once(read_account: Account, store: Store) -> None:
    assert sync(read_account, store).success
    calm = kept(store, read_account.entity)
    read_account.between.alter = with_rows(lambda rows: [row for row in rows for _ in range(2)])
    read_account.later(60)
    report = sync(read_account, store, full=True)
    assert (report.success, report.reason, report.new, report.deleted) == (True, None, 0, 0)
    assert report.records > len(calm)
    assert kept(store, read_account.entity) == calm


@pytest.mark.parametrize("provider", READ)
def test_a_pass_that_fails_at_any_request_resumes_and_stores_the_same_rows(provider: str, store: Store) -> None:
    """Nothing may be published before the end, whatever the order of the list, and nothing may be lost after it."""
    calm = ACCOUNTS[provider]("calm")
    assert sync(calm, store).success
    (untouched,) = store.outcomes()
    for turn in range(1, len(calm.between.log) + 1):
        account = ACCOUNTS[provider](f"broken{turn}")
        failing(account, turn)
        broken = sync(account, store)
        assert (broken.success, broken.reason) == (False, Reason.SERVER_ERROR)
        assert kept(store, account.entity, account.source.name) == []
        account.between.instead = lambda _: None
        assert sync(account, store).success
        assert kept(store, account.entity, account.source.name) == kept(store, account.entity, "calm")
        (outcome,) = [one for one in store.outcomes() if one.source == account.source.name]
        assert instants(outcome.cursor) >= instants(untouched.cursor)


def failing(account: Account, turn: int) -> None:
    """From its n-th request on the vendor fails."""
    asked = [0]

    def fail(_: httpx.Request) -> httpx.Response | None:
        asked[0] += 1
        return httpx.Response(500, json={}) if asked[0] >= turn else None

    account.between.instead = fail


def instants(cursor: str | None) -> list[datetime]:
    """The instants in a cursor."""
    return [datetime.fromisoformat(text) for text in _INSTANT.findall(cursor or "")]


@pytest.mark.parametrize("provider", ["pipedrive", "rest", "salesforce", "stripe", "twilio"])
def test_an_endlessly_repeated_page_ends_the_pass_as_incomplete(provider: str, store: Store) -> None:
    account = ACCOUNTS[provider]("source")
    first: dict[str, httpx.Response] = {}

    def repeat(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        kept = first.setdefault(request.url.path, answer)
        return httpx.Response(kept.status_code, content=kept.content, headers=kinds(kept))

    account.between.alter = repeat
    report = sync(account, store)
    assert (report.success, report.reason) == (False, Reason.PAGINATION_LOOP)
    assert report.records <= COUNT
    assert len(account.between.log) <= 2 * COUNT


def test_a_used_up_rate_limit_is_respected_until_it_resets(account: Account) -> None:
    """Vendors punish those who knock: some begin the penalty anew with each request."""
    account.between.instead = lambda _: account.limited()
    with pytest.raises(RateLimitedError) as first:
        pages(account)
    met = len(account.between.log)
    assert met <= ATTEMPTS
    for _ in range(3):
        with pytest.raises(RateLimitedError) as again:
            pages(account)
        assert 0 < again.value.retry_after <= first.value.retry_after
    assert len(account.between.log) == met
    account.later(first.value.retry_after + 1)
    account.between.instead = lambda _: None
    assert [record for page in pages(account) for record in page.records]


def test_repeated_rate_limits_reduce_the_request_rate(account: Account) -> None:
    account.between.instead = lambda _: account.limited()
    waits: list[float] = []
    for turn in range(1, 5):
        with pytest.raises(RateLimitedError) as raised:
            pages(account)
        assert len(account.between.log) <= turn * ATTEMPTS
        waits.append(raised.value.retry_after)
        account.later(waits[-1] + 1)
    assert waits == sorted(waits)
    assert waits[-1] >= 240


def test_no_secret_is_in_a_url_a_log_or_a_message(read_account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cursor = pages(read_account)[-1].cursor
    read_account.later(60)
    pages(read_account, cursor)
    read_account.between.instead = lambda r: httpx.Response(400, text=str(dict(r.headers)))
    read_account.later(60)
    with pytest.raises(SourceError) as raised:
        pages(read_account, cursor)
    told = " ".join(str(request.url) for request in read_account.between.log) + caplog.text + repr(raised.value)
    assert read_account.secret not in told


def test_an_idle_account_costs_the_same_requests_however_long_it_is_idle(read_account: Account, store: Store) -> None:
    """And it is known to be complete up to now, though nothing new ever comes."""
    assert sync(read_account, store).success
    costs, marks = [], [mark(store)]
    for hours in (1, 24, 72):
        read_account.later(hours * 3600 - 60)
        assert sync(read_account, store).success
        read_account.later(60)
        read_account.between.log.clear()
        assert sync(read_account, store).success
        costs.append(len(read_account.between.log))
        marks.append(mark(store))
    assert costs[-1] <= costs[0]
    assert [later - before for before, later in itertools.pairwise(marks)] == [
        timedelta(hours=1), timedelta(hours=24), timedelta(hours=72),
    ]  # fmt: skip


def mark(store: Store) -> datetime:
    """Up to when the only entity of the store is complete."""
    (found,) = watermarks(store).values()
    return found


def test_the_cursor_stays_behind_a_slow_vendor_clock(read_account: Account) -> None:
    """What such a vendor stamps in the meantime would lie behind a cursor by our own clock."""
    slow = timedelta(hours=30)

    def tell(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
        told = format_datetime(read_account.now().astimezone(UTC) - slow, usegmt=True)
        return httpx.Response(answer.status_code, content=answer.content, headers={"date": told, **kinds(answer)})

    read_account.between.alter = tell
    found = pages(read_account)[-1].cursor
    assert instants(found)
    assert min(instants(found)) <= read_account.now() - slow


def kinds(answer: httpx.Response) -> dict[str, str]:
    """What the answer's body is."""
    return {name: value for name, value in answer.headers.items() if name == "content-type"}


def test_changes_during_a_pass_never_move_the_cursor_past_its_start(read_account: Account) -> None:
    started = read_account.now()

    def pass_time(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
        read_account.later(600)
        return answer

    read_account.between.alter = pass_time

    async def gather() -> list[Page]:
        return [page async for page in read_account.source.read(Pass(read_account.entity, started))]

    *others, last = run(gather())
    assert read_account.now() > started
    assert all(page.cursor is None and page.listing is None for page in others)
    assert max(instants(last.cursor)) <= started


def test_refused_credentials_fail_the_source(account: Account, store: Store) -> None:
    account.between.instead = lambda _: httpx.Response(401, json={})
    report = sync(account, store)
    assert (report.success, report.reason) == (False, Reason.UNAUTHORIZED)
    assert watermarks(store) == {}
