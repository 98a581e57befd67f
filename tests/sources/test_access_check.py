"""The result of `check --sources` for each entity, whatever the vendor responds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from exporter.commands.check import source_access
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.access_check import SOURCE_WIDE, check_access, describe_error
from exporter.sources.base import Access
from tests.sources.account import run
from tests.sources.vendors import ACCOUNTS, Account


async def fails(error: SourceError) -> None:
    raise error


def test_a_missing_permission_is_named_and_other_errors_include_a_remedy() -> None:
    async def fine() -> None: ...

    forbidden = SourceRejectedError(Reason.FORBIDDEN, "the plan lacks it")
    gone = SourceRejectedError(Reason.NOT_FOUND, "/x: nothing there")
    assert run(check_access("deals", "the scope x", fine())) == Access("deals", allowed=True)
    assert run(check_access("deals", "the scope x", fails(forbidden))).missing == "the scope x"
    assert run(check_access("deals", "", fails(forbidden))).missing == "the plan lacks it"
    assert run(check_access("deals", "the scope x", fails(gone))) == Access(
        "deals", allowed=False, missing=describe_error(gone)
    )
    assert describe_error(gone).startswith("not_found: /x: nothing there; check the address")


@pytest.mark.parametrize("reason", sorted(SOURCE_WIDE))
def test_an_error_of_the_whole_source_is_raised(reason: Reason) -> None:
    error: SourceError = SourceUnavailableError(reason, "no")
    if reason is Reason.RATE_LIMITED:
        error = RateLimitedError("no", 5)
    with pytest.raises(SourceError):
        run(check_access("deals", "the scope x", fails(error)))


@pytest.fixture(params=sorted(ACCOUNTS))
def account(request: pytest.FixtureRequest) -> Account:
    return ACCOUNTS[request.param]("source")


def access_rows(account: Account) -> list[tuple[str, str, bool, str]]:
    """The rows that `check --sources` prints."""

    async def look() -> list[tuple[str, str, bool, str]]:
        rows = await source_access(account.source)
        await account.source.close()
        return rows

    return run(look())


def test_sufficient_credentials_are_reported_as_allowed(account: Account) -> None:
    assert access_rows(account) == [("source", account.entity, True, "")]


def _unreachable(_: httpx.Request) -> Any:
    raise httpx.ConnectError("no route")


@pytest.mark.parametrize(
    ("respond", "message"),
    [
        (lambda _: httpx.Response(401, json={}), "unauthorized: "),
        (_unreachable, "connect: cannot connect to the server; check the address"),
        (lambda _: httpx.Response(429, json={}), "rate_limited: "),
    ],
    ids=["refused", "unreachable", "limited"],
)
def test_an_error_of_the_source_is_reported_with_a_remedy(account: Account, respond: Any, message: str) -> None:
    account.between.instead = respond
    ((_, entity, allowed, missing),) = access_rows(account)
    assert (entity, allowed) == (account.entity, False)
    assert missing.startswith(message)
    assert "; " in missing or "check" in missing
    assert account.secret not in missing


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_error_of_one_entity_is_reported(account: Account, status: int) -> None:
    account.between.instead = lambda _: httpx.Response(status, json={})
    ((_, entity, allowed, missing),) = access_rows(account)
    assert (entity, allowed) == (account.entity, False)
    assert len(missing) > 10
    assert account.secret not in missing
