"""A Twilio account as a source: permissions and refusals."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import RateLimitedError, Reason, SourceRejectedError
from tests.sources.providers.twilio.passes import read, source
from tests.sources.providers.twilio.vendor import SECRET, Twilio
from tests.sources.source_context import run


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (httpx.Response(429, json={"code": 20429}), RateLimitedError, Reason.RATE_LIMITED),
        (httpx.Response(404, json={"code": 20404}), SourceRejectedError, Reason.NOT_FOUND),
        (httpx.Response(404, content=b"<html>"), SourceRejectedError, Reason.NOT_FOUND),
        (httpx.Response(404, json=[]), SourceRejectedError, Reason.NOT_FOUND),
        (httpx.Response(200, json={"calls": {}}), SourceRejectedError, Reason.SCHEMA),
        (httpx.Response(200, json={"calls": [{}], "next_page_uri": None}), SourceRejectedError, Reason.SCHEMA),
    ],
)
def test_errors_say_what_was_rejected(answer: httpx.Response, error: type, reason: Reason) -> None:
    with pytest.raises(error) as raised:
        read(Twilio(before=lambda _: answer))
    assert raised.value.reason is reason
    assert SECRET not in str(raised.value)


def test_check_names_the_missing_permissions_of_the_key() -> None:
    for entity in ("calls", "people", "measurements"):
        (fine,) = run(source(Twilio(), entity).check())
        assert fine.allowed
    refused = Twilio(before=lambda _: httpx.Response(403, json={}))
    (lacking,) = run(source(refused, "people").check())
    assert (lacking.allowed, "TaskRouter" in lacking.missing) == (False, True)
    (lacking,) = run(source(refused).check())
    assert "Voice" in lacking.missing
    elsewhere = Twilio(before=lambda _: httpx.Response(404, json={"code": 20404}))
    (lacking,) = run(source(elsewhere).check())
    assert "no such account, workspace or queue" in lacking.missing
    with pytest.raises(SourceRejectedError):
        run(source(Twilio(before=lambda _: httpx.Response(401, json={}))).check())
