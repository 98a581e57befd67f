"""A Stripe account as a source: its version, permissions, limits and refusals."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import RateLimitedError, Reason, SourceRejectedError, SourceUnavailableError
from tests.sources.providers.stripe.passes import charge, read, source
from tests.sources.providers.stripe.vendor import KEY, Stripe
from tests.sources.source_context import by_id, pages_of, run


def test_every_request_pins_the_version_of_the_api() -> None:
    vendor = Stripe()
    read(vendor, version="2025-03-31.basil")
    assert {request.headers["stripe-version"] for request in vendor.log} == {"2025-03-31.basil"}


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (httpx.Response(403, json={"error": {"message": f"key {KEY} needs rak_charge_read."}}),
         SourceRejectedError, Reason.FORBIDDEN),
        (httpx.Response(409, json={}), SourceUnavailableError, Reason.SERVER_ERROR),
        (httpx.Response(400, headers={"stripe-should-retry": "true"}, json={}), SourceUnavailableError,
         Reason.SERVER_ERROR),
        (httpx.Response(500, headers={"stripe-should-retry": "false"}, json={}), SourceRejectedError,
         Reason.BAD_REQUEST),
        (httpx.Response(429, json={"error": {"code": "lock_timeout"}}), RateLimitedError, Reason.RATE_LIMITED),
        (httpx.Response(429, headers={"stripe-rate-limited-reason": "global-rate"}, json={}), RateLimitedError,
         Reason.RATE_LIMITED),
        (httpx.Response(200, json={"object": "charge"}), SourceRejectedError, Reason.SCHEMA),
        (httpx.Response(200, html="<html>"), SourceRejectedError, Reason.NOT_JSON),
    ],
)  # fmt: skip
def test_errors_say_what_was_rejected_and_never_contain_the_key(
    answer: httpx.Response, error: type, reason: Reason
) -> None:
    vendor = Stripe(before=lambda _: answer)
    with pytest.raises(error) as raised:
        read(vendor)
    assert raised.value.reason is reason
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "reason", ["global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific"]
)
def test_each_kind_of_limit_delays_every_request(reason: str) -> None:
    """Pitfall: several limits at once, none of which says when it ends."""
    vendor = Stripe(before=lambda _: httpx.Response(429, headers={"stripe-rate-limited-reason": reason}, json={}))
    found = source(vendor)
    for _ in range(2):
        with pytest.raises(RateLimitedError) as raised:
            run(pages_of(found))
    assert len(vendor.log) <= 3
    assert raised.value.retry_after >= 15


def test_a_single_429_is_waited_out() -> None:
    answers = [httpx.Response(429, json={"error": {"code": "lock_timeout"}})]
    vendor = Stripe(before=lambda _: answers.pop() if answers else None)
    charge(vendor, "ch_1")
    assert list(by_id(read(vendor))) == ["ch_1"]


def test_check_names_the_missing_permissions_of_the_key() -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(403, json={"error": {"message": "no"}}) if request.url.path == "/v1/events" else None

    (lacking,) = run(source(Stripe(before=refuse), "invoices").check())
    assert (lacking.allowed, lacking.missing) == (False, "read permission for Events")
    (fine,) = run(source(Stripe(), "subscriptions").check())
    assert fine.allowed
    with pytest.raises(SourceRejectedError):
        run(source(Stripe(before=lambda _: httpx.Response(401, json={})), "invoices").check())
