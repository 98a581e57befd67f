"""The web surface over real sockets."""

from __future__ import annotations

import gzip
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter import naming
from exporter.errors import StartError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.snapshot import Snapshot
from exporter.web.server import ServedState, bind
from tests.exposition.sample import NOW, sample_snapshot, sample_state
from tests.exposition.serving import exchange, get, running
from tests.programs import program

PROMETHEUS = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


@pytest.fixture(scope="module")
def state() -> ServedState:
    return sample_state()


@pytest.fixture(scope="module")
def port(state: ServedState) -> Iterator[int]:
    with running(state) as port:
        yield port


def test_a_scraper_that_asks_for_nothing_gets_plain_text(port: int) -> None:
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


def test_both_formats_hold_the_same_business_series(port: int) -> None:
    plain = {line for line in get(port, "/metrics")[2].splitlines() if line.startswith((b"kpi_", b"business_"))}
    strict = set(get(port, "/metrics", PROMETHEUS)[2].splitlines())
    assert plain <= strict


def test_promtool_has_nothing_to_say(port: int) -> None:
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=get(port, "/metrics")[2], capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_head_gives_the_length_without_the_body(port: int) -> None:
    length = len(get(port, "/metrics")[2])
    status, headers, body = get(port, "/metrics", method="HEAD")
    assert (status, headers["content-length"], body) == (200, str(length), b"")


def test_a_page_a_health_and_a_readiness_are_there(port: int) -> None:
    assert get(port, "/")[2].startswith(b"<!doctype html>")
    assert get(port, "/")[1]["content-type"] == "text/html; charset=utf-8"
    assert get(port, "/-/healthy")[::2] == (200, b"healthy\n")
    assert get(port, "/-/ready")[::2] == (200, b"ready\n")


def test_nothing_is_ready_before_the_first_snapshot_and_scrapes_answer_all_the_same() -> None:
    with running(ServedState(SelfMetrics())) as port:
        assert get(port, "/-/ready")[0] == 503
        assert get(port, "/-/healthy")[0] == 200
        assert get(port, "/metrics", PROMETHEUS)[::2] == (200, b"# EOF\n")


def test_people_have_their_own_path_where_they_are_separate(port: int) -> None:
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
def test_unknown_paths_are_not_found_and_not_repeated(port: int, path: str) -> None:
    status, headers, body = get(port, path)
    assert (status, body) == (404, b"Not Found")
    assert headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "OPTIONS", "MADE"])
def test_other_methods_are_not_allowed(port: int, method: str) -> None:
    status, _, body = get(port, "/metrics", method=method)
    assert (status, body) == (405, b"Method Not Allowed")


def test_refusals_are_counted_by_reason(port: int, state: ServedState) -> None:
    before = state.self_metrics.value(naming.HTTP_REJECTED, "not_found") or 0
    get(port, "/nothing")
    assert state.self_metrics.value(naming.HTTP_REJECTED, "not_found") == before + 1


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing"])
def test_browsers_are_told_to_be_careful(port: int, path: str) -> None:
    headers = get(port, path)[1]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_a_strange_host_is_no_reason_to_fail(port: int) -> None:
    assert b"200" in exchange(port, b"GET /-/healthy HTTP/1.1\r\nHost: evil/..\r\nConnection: close\r\n\r\n")[:20]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n\r\n",
    ],
)
def test_abused_framing_is_refused(port: int, request_bytes: bytes) -> None:
    answer = exchange(port, request_bytes)
    assert answer[9:10] == b"4"
    assert b"kpi_" not in answer


@pytest.mark.parametrize("path", ["/metrics", "/"])
def test_a_body_nobody_asked_for_is_refused_and_thrown_away(port: int, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(head)
        assert b" 413 " in connection.recv(4096)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"x" * 3_000_000)
    assert get(port, "/-/healthy")[0] == 200


def test_silent_clients_are_closed_at_their_deadline() -> None:
    with running(sample_state(), stalled=0.3) as port:
        assert exchange(port, b"") == b""
        assert exchange(port, b"GET /metrics HT") == b""
        assert exchange(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Half: ") == b""
        kept_alive = exchange(port, b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept_alive.endswith(b"healthy\n")


def test_two_hundred_scrapers_at_once_are_all_served(port: int) -> None:
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: get(port, "/metrics", PROMETHEUS, "Accept-Encoding: gzip"), range(200)))
    assert {status for status, _, _ in answers} <= {200, 503}
    whole = {gzip.decompress(body) for status, _, body in answers if status == 200}
    assert all(text.endswith(b"# EOF\n") for text in whole)
    assert sum(status == 200 for status, _, _ in answers) >= 64


def test_a_large_plain_exposition_arrives_whole() -> None:
    big = Snapshot(NOW, sample_snapshot().shared)
    pieces = tuple(b"# %d %s\n" % (i, b"x" * 1000) for i in range(2000))
    formats = type(big.shared)(type(big.shared.text)(pieces, b""))
    with running(ServedState(SelfMetrics(), Snapshot(NOW, formats))) as port:
        status, headers, body = get(port, "/metrics")
    assert status == 200
    assert body == b"".join(pieces)
    assert int(headers["content-length"]) == len(body)


def test_a_taken_port_is_named() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"127.0.0.1:{port}.*--listen"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(StartError, match=r"192\.0\.2\.1:1"):
        bind("192.0.2.1", 1)
