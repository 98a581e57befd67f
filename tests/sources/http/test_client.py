"""Requests, and what their answers say."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from exporter.config.fields import Secret
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.http.auth import BearerAuthenticator
from tests.sources.scripted import ScriptedVendor, ok, status
from tests.sources.source_context import run


class TestRequests:
    def test_a_path_is_joined_to_the_base_and_parameters_are_added(self) -> None:
        vendor = ScriptedVendor([ok([1])])
        assert vendor.got("/rows", params={"limit": 5, "q": "a b&c"}) == [1]
        assert str(vendor.log[0].url) == "https://api.test/v1/rows?limit=5&q=a+b%26c"
        assert vendor.log[0].headers["accept"] == "application/json"

    def test_parameters_may_repeat_and_replace_those_of_a_link(self) -> None:
        vendor = ScriptedVendor([ok()])
        run(vendor.get("https://api.test/v1/rows?page=1&keep=x", params=[("page", "2"), ("page", "3")]))
        assert str(vendor.log[0].url) == "https://api.test/v1/rows?keep=x&page=2&page=3"

    def test_a_post_sends_json_or_a_form(self) -> None:
        vendor = ScriptedVendor([ok(), ok()])

        async def work() -> None:
            await vendor.client.post("/search", json={"a": 1})
            await vendor.client.post("/search", form={"a": "1 2"}, params={"x": "y"}, headers={"x-more": "z"})

        run(work())
        first, second = vendor.log
        assert (first.content, first.headers["content-type"]) == (b'{"a":1}', "application/json")
        assert (second.content, second.headers["content-type"]) == (b"a=1+2", "application/x-www-form-urlencoded")
        assert (second.url.query, second.headers["x-more"]) == (b"x=y", "z")

    def test_text_is_decoded_in_its_declared_charset(self) -> None:
        answer = httpx.Response(
            200, content="Zoë".encode("latin-1"), headers={"content-type": "text/csv; charset=latin-1"}
        )
        assert run(ScriptedVendor([answer]).client.get_text("/export")).body == "Zoë"

    def test_text_that_does_not_match_its_charset_is_an_error(self) -> None:
        answers = [httpx.Response(200, content=b"\xff\xfe\xfd", headers={"content-type": "text/csv"})] * 3
        with pytest.raises(SourceUnavailableError):
            run(ScriptedVendor(answers).client.get_text("/export"))

    def test_no_content_and_not_modified_have_no_body(self) -> None:
        vendor = ScriptedVendor([status(204), status(304)])
        assert vendor.got() is None
        assert run(vendor.get(headers={"if-modified-since": "x"})).status == 304

    def test_not_modified_without_a_condition_is_refused(self) -> None:
        assert ScriptedVendor([status(304)]).refused().reason is Reason.BLOCKED_ORIGIN

    def test_closing_closes_the_authenticator_too(self) -> None:
        class Closed(BearerAuthenticator):
            closed = False

            async def close(self) -> None:
                self.closed = True

        vendor = ScriptedVendor([], auth=lambda context: Closed(Secret(env="TOKEN"), context))
        run(vendor.client.close())
        assert vendor.client._auth.closed  # type: ignore[union-attr]


class TestVerdicts:
    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (400, Reason.BAD_REQUEST), (403, Reason.FORBIDDEN), (404, Reason.NOT_FOUND), (409, Reason.BAD_REQUEST),
            (410, Reason.NOT_FOUND), (422, Reason.BAD_REQUEST), (501, Reason.BAD_REQUEST),
        ],
    )  # fmt: skip
    def test_a_refusal_is_not_retried(self, code: int, reason: Reason) -> None:
        vendor = ScriptedVendor([status(code)])
        error = vendor.refused()
        assert (error.reason, len(vendor.log)) == (reason, 1)
        assert isinstance(error, SourceRejectedError)

    @pytest.mark.parametrize(
        ("content", "kind", "reason", "requests"),
        [
            (b"<!doctype html><p>Sign in", "text/html", Reason.NOT_JSON, 1),
            (b"<html>", "application/octet-stream", Reason.NOT_JSON, 1),
            (b"<a/>", "application/xml", Reason.NOT_JSON, 1),
            (b"", "application/json", Reason.SCHEMA, 1),
            (b"  \n", "application/json", Reason.SCHEMA, 1),
            (b'{"data": [1, 2', "application/json", Reason.PROTOCOL, 3),
        ],
    )
    def test_a_body_that_is_not_json_and_incomplete_json_have_different_reasons(
        self, content: bytes, kind: str, reason: Reason, requests: int
    ) -> None:
        vendor = ScriptedVendor(lambda _: httpx.Response(200, content=content, headers={"content-type": kind}))
        error = vendor.refused()
        assert (error.reason, len(vendor.log)) == (reason, requests)
        assert "Sign in" not in str(error)

    def test_a_provider_may_override_the_meaning_of_a_status(self) -> None:
        def classify(code: int, headers: Any, body: bytes) -> SourceError | None:
            return RateLimitedError("quota", 0.0) if code == 403 and b"quota" in body else None

        vendor = ScriptedVendor(
            [httpx.Response(403, text="quota", headers={"retry-after": "700"}), status(403)], classify=classify
        )
        error = vendor.refused()
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == 700
        vendor.clock.advance(701)
        assert vendor.refused().reason is Reason.FORBIDDEN
