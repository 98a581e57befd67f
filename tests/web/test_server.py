"""The web server over real sockets, and how it selects the format."""

from __future__ import annotations

import gzip
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.exposition import gzip_accepted as peer_gzip_accepted
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter import naming
from exporter.errors import StartError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.snapshot import Snapshot
from exporter.exposition.text_format import EncodedText, Formats
from exporter.web.server import ServedState, bind, gzip_accepted, openmetrics_accepted
from tests.exposition.sample import NOW, sample_snapshot, sample_state
from tests.programs import program
from tests.web.live_server import exchange, get, running

ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS = f"Accept: {ACCEPT}"


@pytest.fixture(scope="module")
def state() -> ServedState:
    return sample_state()


@pytest.fixture(scope="module")
def port(state: ServedState) -> Iterator[int]:
    with running(state) as port:
        yield port


def test_a_scraper_without_an_accept_header_gets_plain_text(port: int) -> None:
    status, headers, body = get(port, "/metrics")
    assert status == 200
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "content-encoding" not in headers
    assert int(headers["content-length"]) == len(body)
    families = {family.name: family for family in parse_text(body.decode())}
    assert families["kpi_value"].samples[0].labels["kpi"] == "open_work"
    assert "kpi_exporter_source_up" in families
    assert b"EOF" not in body


def test_prometheus_gets_compressed_openmetrics(port: int) -> None:
    status, headers, body = get(port, "/metrics", PROMETHEUS, "Accept-Encoding: gzip")
    assert status == 200
    assert headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert headers["content-encoding"] == "gzip"
    text = gzip.decompress(body).decode()
    families = {family.name: family for family in parse_openmetrics(text)}
    assert families["kpi_exporter_source_requests"].samples[0].value == 1
    assert text.count("# EOF") == 1


def test_both_formats_contain_the_same_business_series(port: int) -> None:
    plain = {line for line in get(port, "/metrics")[2].splitlines() if line.startswith((b"kpi_", b"business_"))}
    strict = set(get(port, "/metrics", PROMETHEUS)[2].splitlines())
    assert plain <= strict


def test_promtool_reports_no_problem(port: int) -> None:
    process = subprocess.run(
        [program("promtool"), "check", "metrics"], input=get(port, "/metrics")[2], capture_output=True
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, b"", b"")


def test_head_returns_the_length_without_the_body(port: int) -> None:
    length = len(get(port, "/metrics")[2])
    status, headers, body = get(port, "/metrics", method="HEAD")
    assert (status, headers["content-length"], body) == (200, str(length), b"")


def test_the_page_and_both_health_checks_respond(port: int) -> None:
    assert get(port, "/")[2].startswith(b"<!doctype html>")
    assert get(port, "/")[1]["content-type"] == "text/html; charset=utf-8"
    assert get(port, "/-/healthy")[::2] == (200, b"healthy\n")
    assert get(port, "/-/ready")[::2] == (200, b"ready\n")


def test_before_the_first_snapshot_scrapes_succeed_but_the_server_is_not_ready() -> None:
    with running(ServedState(SelfMetrics())) as port:
        assert get(port, "/-/ready")[0] == 503
        assert get(port, "/-/healthy")[0] == 200
        assert get(port, "/metrics", PROMETHEUS)[::2] == (200, b"# EOF\n")


def test_people_have_their_own_path_if_they_are_separate(port: int) -> None:
    assert get(port, "/metrics/people")[0] == 404
    with running(ServedState(SelfMetrics(), sample_snapshot(separate=True))) as other:
        assert b"person_kpi_value" not in get(other, "/metrics")[2]
        body = get(other, "/metrics/people", PROMETHEUS)[2].decode()
        assert {f.name for f in parse_openmetrics(body)} >= {"person_kpi_value", "person_business_talk_seconds"}
        assert b"EOF" not in get(other, "/metrics/people")[2]
        packed = get(other, "/metrics/people", "Accept-Encoding: gzip")[2]
        assert gzip.decompress(packed) == get(other, "/metrics/people")[2]


@pytest.mark.parametrize(
    "path", ["/nothing", "/metrics/", "/-/reload", "/debug/pprof", "/config", "/%2e%2e/etc/passwd", "/<b>x"]
)
def test_an_unknown_path_is_not_found_and_not_echoed(port: int, path: str) -> None:
    status, headers, body = get(port, path)
    assert (status, body) == (404, b"Not Found")
    assert headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "OPTIONS", "MADE"])
def test_other_methods_are_not_allowed(port: int, method: str) -> None:
    status, _, body = get(port, "/metrics", method=method)
    assert (status, body) == (405, b"Method Not Allowed")


def test_rejected_requests_are_counted_by_reason(port: int, state: ServedState) -> None:
    before = state.self_metrics.value(naming.HTTP_REJECTED, "not_found") or 0
    get(port, "/nothing")
    assert state.self_metrics.value(naming.HTTP_REJECTED, "not_found") == before + 1


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing"])
def test_responses_carry_security_headers(port: int, path: str) -> None:
    headers = get(port, path)[1]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize("host", ["evil.example.com:9940", "evil/..", "localhost.evil.com"])
def test_a_foreign_host_is_refused_and_not_echoed(port: int, host: str) -> None:
    status, headers, body = get(port, "/metrics", f"Host: {host}")
    assert status == 421
    assert b"evil" not in body
    assert headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n\r\n",
    ],
)
def test_malformed_requests_are_rejected(port: int, request_bytes: bytes) -> None:
    answer = exchange(port, request_bytes)
    assert answer[9:10] == b"4"
    assert b"kpi_" not in answer


@pytest.mark.parametrize("path", ["/metrics", "/"])
def test_an_unexpected_body_is_rejected_and_discarded(port: int, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(head)
        assert b" 413 " in connection.recv(4096)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"x" * 3_000_000)
    assert get(port, "/-/healthy")[0] == 200


def test_silent_clients_are_disconnected_after_the_stall_timeout() -> None:
    with running(sample_state(), stall_timeout=0.3) as port:
        assert exchange(port, b"") == b""
        assert exchange(port, b"GET /metrics HT") == b""
        assert exchange(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Half: ") == b""
        kept_alive = exchange(port, b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept_alive.endswith(b"healthy\n")


def test_two_hundred_concurrent_scrapers_are_served_or_told_to_retry(port: int) -> None:
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: get(port, "/metrics", PROMETHEUS, "Accept-Encoding: gzip"), range(200)))
    assert {status for status, _, _ in answers} <= {200, 503}
    texts = {gzip.decompress(body) for status, _, body in answers if status == 200}
    assert all(text.endswith(b"# EOF\n") for text in texts)
    assert sum(status == 200 for status, _, _ in answers) >= 64


def test_a_large_plain_exposition_arrives_complete() -> None:
    pieces = tuple(b"# %d %s\n" % (i, b"x" * 1000) for i in range(2000))
    formats = Formats(EncodedText(pieces))
    with running(ServedState(SelfMetrics(), Snapshot(NOW, formats))) as port:
        status, headers, body = get(port, "/metrics")
    assert status == 200
    assert body == b"".join(pieces)
    assert int(headers["content-length"]) == len(body)


def test_the_error_names_a_port_in_use() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StartError, match=f"127.0.0.1:{port}.*--listen"):
            bind("127.0.0.1", port)


def test_the_error_names_an_address_of_another_machine() -> None:
    with pytest.raises(StartError, match=r"192\.0\.2\.1:1"):
        bind("192.0.2.1", 1)


@pytest.mark.parametrize(
    "accept",
    [
        "", "*/*", "text/plain", "text/html,*/*;q=0.8", "application/openmetrics-text", ACCEPT,
        "application/openmetrics-text; version=0.0.1", "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.1", "application/json",
    ],
)  # fmt: skip
def test_the_format_is_the_one_prometheus_client_selects(accept: str) -> None:
    assert openmetrics_accepted(accept) is ("openmetrics" in choose_encoder(accept)[1])


@pytest.mark.parametrize(
    "accept",
    ["application/openmetrics-text;version=1.x.y;q=nonsense", ";;;,,==", "application/openmetrics-text;q=0", "\x00"],
)
def test_invalid_accept_headers_get_plain_text(accept: str) -> None:
    assert openmetrics_accepted(accept) is False


@pytest.mark.parametrize("header", ["", "gzip", "deflate, GZIP;q=0.5", "identity", "br", "gzip, deflate"])
def test_compression_is_the_one_prometheus_client_selects(header: str) -> None:
    assert gzip_accepted(header) is peer_gzip_accepted(header)


def test_a_compression_with_weight_zero_is_not_used() -> None:
    assert gzip_accepted("gzip;q=0, identity") is False
