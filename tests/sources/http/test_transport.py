from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from exporter.errors import Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.http.origin import BaseUrl
from exporter.sources.http.transport import HttpTransport, RawResponse, http_date, status_class
from tests.fakes.certificates import Authority
from tests.fakes.raw import (
    CLOSE,
    RESET,
    Drip,
    Pause,
    RawRequest,
    RawServer,
    Script,
    ScriptStep,
    json_response,
    raw_response,
)
from tests.sources.source_context import NOW, RecordingTelemetry, http_options, run, source_context

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class Sent:
    """What came of one request: a reply or an error, and how it was counted."""

    def __init__(self) -> None:
        self.telemetry = RecordingTelemetry()
        self.reply: RawResponse | None = None
        self.error: SourceError | None = None


async def send(url: str, *, deadline: float = 5.0, max_bytes: int = 1 << 20, ca_file: Path | None = None) -> Sent:
    options = http_options(ca_file=ca_file).model_copy(update={"timeout": timedelta(seconds=deadline)})
    exchange_log = Sent()
    address = BaseUrl(url, insecure=True, private=True)
    transport = HttpTransport(options, address, source_context(telemetry=exchange_log.telemetry), max_bytes=max_bytes)
    try:
        exchange_log.reply = await transport.send("GET", address.url("/rows"), {}, None)
    except SourceError as error:
        exchange_log.error = error
    await transport.close()
    return exchange_log


def exchange(script: Script, **limits: float) -> Sent:
    async def work() -> Sent:
        async with RawServer(script) as server:
            return await send(server.url, **limits)  # type: ignore[arg-type]

    return run(work())


def refusal(exchange_log: Sent) -> Reason:
    assert exchange_log.error is not None
    return exchange_log.error.reason


def test_a_response_is_complete_with_its_headers_in_lower_case() -> None:
    exchange_log = exchange(lambda _: [raw_response(b"[1]", 404, [("X-Left", "3")])])
    assert exchange_log.reply is not None
    assert (exchange_log.reply.status, exchange_log.reply.body, exchange_log.reply.headers["x-left"]) == (
        404,
        b"[1]",
        "3",
    )
    assert exchange_log.reply.content_type == "application/json"
    assert exchange_log.telemetry.requests == ["404"]


def test_a_refused_connection_has_the_reason_connect() -> None:
    async def work() -> Sent:
        async with RawServer(lambda _: []) as server:
            pass
        return await send(server.url)

    exchange_log = run(work())
    assert refusal(exchange_log) is Reason.CONNECT
    assert isinstance(exchange_log.error, SourceUnavailableError)
    assert exchange_log.telemetry.requests == ["connect"]


def test_a_slow_first_byte_ends_at_the_total_deadline() -> None:
    exchange_log = exchange(lambda _: [Pause(30), raw_response()], deadline=0.1)
    assert refusal(exchange_log) is Reason.TIMEOUT
    assert exchange_log.telemetry.requests == ["timeout"]


def test_a_slowly_dripping_body_ends_at_the_total_deadline() -> None:
    exchange_log = exchange(lambda _: [HEAD + b"content-length: 1000\r\n\r\n", Drip(b" " * 1000, 0.01)], deadline=0.2)
    assert refusal(exchange_log) is Reason.TIMEOUT


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([raw_response(b'{"a": 1', length=100), CLOSE], id="length promises more"),
        pytest.param([HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n[1, 2", CLOSE], id="cut chunk"),
        pytest.param([HEAD + b"content-length: 100\r\n\r\n[1", RESET], id="reset in the body"),
        pytest.param([RESET], id="reset before anything"),
        pytest.param([b"SMTP ready\r\n\r\n", CLOSE], id="no HTTP at all"),
        pytest.param([HEAD + b"x: " + b"y" * 1_100_000 + b"\r\n\r\n", CLOSE], id="a header of a megabyte"),
        pytest.param([HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", CLOSE], id="two lengths"),
        pytest.param([raw_response(gzip.compress(b"[1]")[:-5], headers=[("content-encoding", "gzip")])], id="cut gzip"),
        pytest.param([raw_response(b"[1]", headers=[("content-encoding", "br")])], id="an encoding nobody asked for"),
    ],
)
def test_a_broken_response_is_a_protocol_error(steps: list[bytes]) -> None:
    exchange_log = exchange(lambda _: steps)
    assert refusal(exchange_log) is Reason.PROTOCOL
    assert isinstance(exchange_log.error, SourceUnavailableError)
    assert exchange_log.telemetry.requests == ["protocol"]


def test_duplicate_headers_are_joined_and_not_lost() -> None:
    exchange_log = exchange(lambda _: [raw_response(b"[]", headers=[("x-left", "1"), ("x-left", "2")])])
    assert exchange_log.reply is not None
    assert exchange_log.reply.headers["x-left"] == "1, 2"


def test_a_gzip_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    exchange_log = exchange(lambda _: [raw_response(bomb, headers=[("content-encoding", "gzip")])])
    assert refusal(exchange_log) is Reason.TOO_LARGE
    assert isinstance(exchange_log.error, SourceRejectedError)


def test_an_uncompressed_body_above_the_limit_is_stopped() -> None:
    assert refusal(exchange(lambda _: [raw_response(b" " * 2000)], max_bytes=1000)) is Reason.TOO_LARGE


def test_cookies_are_not_stored() -> None:
    async def work() -> list[dict[str, str]]:
        async with RawServer(lambda _: [raw_response(b"[]", headers=[("set-cookie", "session=1; Path=/")])]) as server:
            address = BaseUrl(server.url, insecure=True, private=True)
            transport = HttpTransport(http_options(), address, source_context())
            for _ in range(2):
                await transport.send("GET", address.url("/"), {}, None)
            await transport.close()
            return [request.headers for request in server.log]

    assert all("cookie" not in headers for headers in run(work()))


def test_the_vendors_clock_is_measured_against_ours() -> None:
    ahead = (NOW + timedelta(minutes=10)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    exchange_log = exchange(lambda _: [raw_response(b"[]", headers=[("date", ahead)])])
    assert exchange_log.telemetry.skews == [600.0]


def test_without_a_valid_date_no_skew_is_measured() -> None:
    assert exchange(lambda _: [raw_response(b"[]", headers=[("date", "yesterday")])]).telemetry.skews == []


def test_http_dates_are_utc_even_without_a_zone() -> None:
    assert http_date("Mon, 02 Mar 2026 09:00:00 -0000") == NOW
    assert http_date("Mon, 02 Mar 2026 10:00:00 +0100") == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert http_date("soon") is None


def test_a_name_that_does_not_resolve_is_a_dns_error() -> None:
    exchange_log = run(send("http://no-such-host.invalid"))
    assert refusal(exchange_log) is Reason.DNS
    assert exchange_log.telemetry.requests == ["connect"]


def test_a_name_that_resolves_to_a_private_address_is_refused_before_anything_is_sent() -> None:
    async def work() -> tuple[Sent, int]:
        async with RawServer(lambda _: [raw_response(b"[]")]) as server:
            exchange_log = Sent()
            address = BaseUrl(f"http://localhost:{server.port}", insecure=True)
            transport = HttpTransport(
                http_options(allow_private=False), address, source_context(telemetry=exchange_log.telemetry)
            )
            with pytest.raises(SourceRejectedError) as caught:
                await transport.send("GET", address.url("/"), {}, None)
            exchange_log.error = caught.value
            await transport.close()
            return exchange_log, len(server.log)

    exchange_log, requests = run(work())
    assert (refusal(exchange_log), requests, exchange_log.telemetry.requests) == (Reason.BLOCKED_ORIGIN, 0, ["blocked"])


def test_a_name_that_stops_resolving_is_a_dns_error() -> None:
    def lost(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no") from socket.gaierror()

    async def work() -> None:
        address = BaseUrl("https://api.test")
        await HttpTransport(http_options(), address, source_context(httpx.MockTransport(lost))).send(
            "GET", address.url("/"), {}, None
        )

    with pytest.raises(SourceUnavailableError) as caught:
        run(work())
    assert caught.value.reason is Reason.DNS


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "2xx"), (204, "2xx"), (302, "3xx"), (400, "4xx"), (401, "401"), (403, "403"), (404, "404"),
        (429, "429"), (418, "4xx"), (500, "5xx"), (530, "5xx"), (101, "protocol"), (999, "protocol"),
    ],
)  # fmt: skip
def test_responses_are_counted_by_class(status: int, outcome: str) -> None:
    assert status_class(status) == outcome


def test_the_http_libraries_do_not_log_addresses_even_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    exchange(lambda _: [raw_response(b"[]")])
    assert "127.0.0.1" not in caplog.text


async def over_tls(context: ssl.SSLContext, ca_file: Path | None) -> Sent:
    async with RawServer(lambda _: [json_response([])], tls=context) as server:
        return await send(server.url, ca_file=ca_file)


def test_a_private_authority_is_trusted_if_configured(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    exchange_log = run(over_tls(authority.server("127.0.0.1"), authority.ca_file))
    assert exchange_log.reply is not None
    assert exchange_log.reply.status == 200


@pytest.mark.parametrize("fault", ["unknown authority", "wrong name", "expired"])
def test_an_invalid_certificate_is_refused_and_not_retried(tmp_path: Path, fault: str) -> None:
    authority = Authority(tmp_path)
    name = "10.0.0.1" if fault == "wrong name" else "127.0.0.1"
    context = authority.server(name, days=-1 if fault == "expired" else 1)
    exchange_log = run(over_tls(context, None if fault == "unknown authority" else authority.ca_file))
    assert refusal(exchange_log) is Reason.TLS
    assert exchange_log.telemetry.requests == ["tls"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_server_with_only_old_tls_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server("127.0.0.1")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert refusal(run(over_tls(context, authority.ca_file))) is Reason.TLS


def test_a_ca_file_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    exchange_log = run(send("https://127.0.0.1:1", ca_file=tmp_path / "ca.pem"))
    assert refusal(exchange_log) is Reason.TLS
    assert "ca.pem" in str(exchange_log.error)
    assert exchange_log.telemetry.requests == ["tls"]


@pytest.mark.parametrize("used", [False, True])
def test_a_closed_transport_opens_no_new_connection(used: bool) -> None:
    async def work() -> int:
        async with RawServer(lambda _: [raw_response(b"[]")]) as server:
            address = BaseUrl(server.url, insecure=True, private=True)
            transport = HttpTransport(http_options(), address, source_context())
            if used:
                await transport.send("GET", address.url("/"), {}, None)
            await transport.close()
            with pytest.raises(RuntimeError):
                await transport.send("GET", address.url("/"), {}, None)
            return len(server.log)

    assert run(work()) == int(used)


def test_cancelling_frees_the_connection() -> None:
    async def work() -> str:
        arrived = asyncio.Event()

        def script(_: RawRequest) -> list[ScriptStep]:
            arrived.set()
            return [Pause(30)]

        async with RawServer(script) as server:
            address = BaseUrl(server.url, insecure=True, private=True)
            transport = HttpTransport(http_options(), address, source_context())
            task = asyncio.ensure_future(transport.send("GET", address.url("/"), {}, None))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await transport.close()
            return server.log[0].path

    assert run(work()) == "/"
