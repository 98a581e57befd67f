"""Nothing is sent away from a source's own origin, least of all a credential."""

from __future__ import annotations

import pytest

from exporter.config.fields import Secret
from exporter.errors import Reason, SourceRejectedError
from exporter.sources.http.auth import QueryAuthenticator
from exporter.sources.http.client import SourceClient
from tests.fakes.raw import RawRequest, RawServer, json_response, raw_response
from tests.sources.scripted import ScriptedVendor, bearer, ok, status
from tests.sources.source_context import http_options, run, source_context


class TestOrigin:
    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.test/v1/rows", "http://api.test/v1/rows", "https://api.test:8443/rows",
            "https://user:pw@api.test/rows", "//evil.test/rows", "file:///etc/passwd", "http://169.254.169.254/latest",
            "http://[::1]/rows", "https://api.test.evil.test/rows", "https://api.test@evil.test/",
            "javascript:alert(1)", "\\\\evil.test\\rows", "https://", "http://[broken/",
        ],
    )  # fmt: skip
    def test_a_link_away_from_the_origin_is_blocked_counted_and_never_sent(self, link: str) -> None:
        vendor = ScriptedVendor([], auth=bearer)
        assert vendor.refused(link).reason is Reason.BLOCKED_ORIGIN
        assert vendor.log == []
        assert vendor.telemetry.requests == ["blocked"]

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, code: int) -> None:
        vendor = ScriptedVendor([status(code, location="https://evil.test/")], auth=bearer)
        assert vendor.refused().reason is Reason.BLOCKED_ORIGIN
        assert [request.url.host for request in vendor.log] == ["api.test"]
        assert vendor.telemetry.requests == ["3xx"]

    def test_a_second_server_gets_neither_a_request_nor_a_credential(self) -> None:
        async def work() -> list[RawRequest]:
            async with RawServer(lambda _: [json_response([])]) as other:
                away = [("location", f"{other.url}/rows")]
                async with RawServer(lambda _: [raw_response(status=302, headers=away)]) as server:
                    context = source_context(TOKEN="sesame")
                    client = SourceClient(http_options(), server.url, bearer(context), context)
                    for path in ("/rows", f"{other.url}/rows"):
                        with pytest.raises(SourceRejectedError):
                            await client.get(path)
                    await client.close()
                return other.log

        assert run(work()) == []

    def test_credentials_in_the_query_appear_in_no_response_and_no_message(self) -> None:
        vendor = ScriptedVendor(
            [ok(), status(404)], auth=lambda context: QueryAuthenticator("apikey", Secret(env="TOKEN"), context)
        )
        answer = run(vendor.get())
        assert vendor.log[0].url.params["apikey"] == "sesame"
        assert "sesame" not in answer.url
        assert "sesame" not in str(vendor.refused(params={"x": "sesame"}))
