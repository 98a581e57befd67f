"""Faults of the machine: a dead network, a kill during a write, a failing disk, exhausted memory and files."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.counted import company, of_source, value_of, vendor
from tests.exporter_process import Exporter, exporting
from tests.fakes.raw import served
from tests.own_network import observations
from tests.shop import CONFIG, REVENUE, TOKEN, kept_in, send, today, won
from tests.store.killing import report
from tests.tracing import failing, killed_at
from tests.waiting import until

SYNCED_TO_DISK = "fsync,fdatasync,sync_file_range,msync"
FEW_FILES = 64


def test_an_unreachable_vendor_times_out_and_does_not_affect_other_sources(tmp_path: Path) -> None:
    result = observations("black_hole", tmp_path)
    assert result["deals"] == [10], "the last number stays"
    assert result["up"] == {"deals": 0, "tickets": 1}
    assert result["reasons"] == ['reason="timeout",source="deals"']
    assert max(result["in_flight"]) == 1


def test_a_slow_link_delays_only_its_own_source(tmp_path: Path) -> None:
    result = observations("slow_link", tmp_path)
    assert result["delayed"] > 0
    assert result["deals"] in ([None, 300], [300]), "never a partial number"
    assert result["reasons"] == []


POINTS = {
    "pwrite64": (1, 2, 3, 5, 9, 15),
    "write": (1, 2, 5, 20, 50, 90),
    "fdatasync": (1, 2, 5, 20, 50, 90),
    "rename": (1,),
    "unlink": (1, 2, 3),
}
"""System call to the numbers of the calls at which the process is killed; the first ones create the store."""


@pytest.mark.parametrize("call", POINTS)
def test_a_store_killed_during_a_write_opens_again_and_is_consistent(call: str, tmp_path: Path) -> None:
    lines = [
        line
        for number in POINTS[call]
        for line in killed_at(call, number, "tests.store.killing", "ingest", tmp_path).split("\n")
    ]
    counts = report(tmp_path, lines)
    assert counts["lost_pages"] == counts["doubled"] == counts["holes"] == counts["lost_passes"] == 0
    assert call in ("rename", "unlink") or counts["acknowledged"] > 0


def test_no_post_is_acknowledged_while_syncing_to_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    config, data, sent = tmp_path / "kpis.yaml", tmp_path / "data", {"1"}
    config.write_text(CONFIG)
    with exporting(config, data) as exporter:
        until(lambda: send(exporter, won(1, 70, closed_at=today()))[0] == 200)
        until(lambda: exporter.value(REVENUE) == 70)
        with failing(exporter.process.pid, SYNCED_TO_DISK, "EIO"):
            for number in range(2, 6):
                status, answer = send(exporter, won(number, 5, closed_at=today()))
                assert (status, answer["retry_after"]) == (503, "5")
                sent.add(str(number))
            until(lambda: exporter.value("kpi_exporter_store_up") == 0)
            assert exporter.value(REVENUE) == 70
        until(lambda: send(exporter, won(9, 7, closed_at=today()))[0] == 200)
        until(lambda: exporter.value("kpi_exporter_store_up") == 1)
        assert exporter.value("kpi_exporter_store_rebuilds_total") == 0
        exporter.end(signal.SIGKILL)
    kept = kept_in(data)
    assert {"1", "9"} <= set(kept) <= sent | {"9"}
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize("error", ["EIO", "EROFS"])
def test_reading_pauses_while_writing_to_disk_fails_and_resumes(tmp_path: Path, error: str) -> None:
    deals = vendor(50)
    with (
        served(deals.script) as server,
        exporting(company(tmp_path / "company", {"deals": server.port}), tmp_path / "data") as exporter,
    ):
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        with failing(exporter.process.pid, SYNCED_TO_DISK, error):
            until(lambda: exporter.value("kpi_exporter_store_up") == 0)
            last = exporter.value(of_source("last_success_timestamp_seconds", "deals", entity="deals"))
            deals.add(1)
            until(lambda: exporter.value(of_source("state", "deals", state="paused")) == 1)
            assert exporter.value(of_source("last_success_timestamp_seconds", "deals", entity="deals")) == last
            assert exporter.value(value_of("deals")) == deals.count - 1
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        assert exporter.value("kpi_exporter_store_up") == 1
        assert exporter.value("kpi_exporter_store_rebuilds_total") == 0


@contextmanager
def limited(exporter: Exporter, resource_id: int, limit: int) -> Iterator[None]:
    """Limits a resource of the running process until the block ends."""
    before = resource.prlimit(exporter.process.pid, resource_id)
    resource.prlimit(exporter.process.pid, resource_id, (limit, before[1]))
    try:
        yield
    finally:
        if exporter.process.poll() is None:
            resource.prlimit(exporter.process.pid, resource_id, before)


def address_space(exporter: Exporter) -> int:
    pages = int(Path(f"/proc/{exporter.process.pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def value_if_answered(exporter: Exporter, series: str) -> float | None:
    """The value of a series; None if the process has no memory to read the request at this moment."""
    try:
        return exporter.value(series)
    except ConnectionResetError:
        return None


def test_a_page_too_large_for_memory_fails_only_its_pass(tmp_path: Path) -> None:
    deals, tickets = vendor(10, page=50_000, note="x" * 200), vendor(10)
    failures = of_source("consecutive_failures", "deals", entity="deals")
    with (
        served(deals.script) as crm,
        served(tickets.script) as desk,
        exporting(
            company(tmp_path / "company", {"deals": crm.port, "tickets": desk.port}), tmp_path / "data"
        ) as exporter,
    ):
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        with limited(exporter, resource.RLIMIT_AS, address_space(exporter) + 16 * 1024**2):
            deals.add(50_000)
            until(lambda: (value_if_answered(exporter, failures) or 0) > 0)
            assert exporter.value(value_of("deals")) == 10
            tickets.add(1)
            until(lambda: value_if_answered(exporter, value_of("tickets")) == tickets.count)
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        assert exporter.value(failures) == 0
        assert exporter.end()[0] == 0


def files_of(exporter: Exporter) -> int:
    return len(list(Path(f"/proc/{exporter.process.pid}/fd").iterdir()))


def test_idle_connections_leave_file_descriptors_for_work(tmp_path: Path) -> None:
    deals = vendor(10)
    with (
        served(deals.script) as server,
        exporting(company(tmp_path / "company", {"deals": server.port}), tmp_path / "data") as exporter,
        limited(exporter, resource.RLIMIT_NOFILE, FEW_FILES),
    ):
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        connections = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(FEW_FILES)]
        try:
            deals.add(1)
            until(lambda: exporter.answers() and exporter.value(value_of("deals")) == deals.count)
            assert files_of(exporter) < FEW_FILES, "idle connections leave files for work"
        finally:
            for connection in connections:
                connection.close()
        assert exporter.value("kpi_exporter_store_rebuilds_total") == 0
        assert exporter.value("kpi_exporter_store_up") == 1
        assert exporter.end()[0] == 0
