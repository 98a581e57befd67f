"""What the machine itself can do to the program: no answer from the network, death at a write, a disk that fails."""

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
from tests.web.live_server import get

SYNCED_TO_DISK = "fsync,fdatasync,sync_file_range,msync"
FEW_FILES = 64


def test_a_vendor_in_a_black_hole_times_out_one_pass_at_a_time_and_harms_no_other_source(tmp_path: Path) -> None:
    result = observations("black_hole", tmp_path)
    assert result["deals"] == [10], "what was known stays as it was"
    assert result["up"] == {"deals": 0, "tickets": 1}
    assert result["reasons"] == ['reason="timeout",source="deals"']
    assert max(result["in_flight"]) == 1


def test_over_a_slow_link_a_pass_takes_its_time_and_nothing_else_does(tmp_path: Path) -> None:
    result = observations("slow_link", tmp_path)
    assert result["delayed"] > 0
    assert result["deals"] in ([None, 300], [300]), "never a part"
    assert result["reasons"] == []


POINTS = {
    "pwrite64": (1, 2, 3, 5, 9, 15),
    "write": (1, 2, 5, 20, 50, 90),
    "fdatasync": (1, 2, 5, 20, 50, 90),
    "rename": (1,),
    "unlink": (1, 2, 3),
}
"""By system call, at which of them the process is killed: the first ones make the store, the later ones fill it."""


@pytest.mark.parametrize("call", POINTS)
def test_killed_at_a_chosen_write_it_opens_again_and_position_and_records_agree(call: str, tmp_path: Path) -> None:
    heard = [
        line
        for number in POINTS[call]
        for line in killed_at(call, number, "tests.store.killing", "ingest", tmp_path).split("\n")
    ]
    found = report(tmp_path, heard)
    assert found["lost_pages"] == found["doubled"] == found["holes"] == found["lost_passes"] == 0
    assert call in ("rename", "unlink") or found["acknowledged"] > 0


def test_where_the_disk_cannot_say_that_it_has_written_nothing_is_said_to_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_where_syncing_to_disk_fails_reading_waits_and_goes_on_where_it_was(tmp_path: Path) -> None:
    deals = vendor(50)
    with (
        served(deals.script) as server,
        exporting(company(tmp_path / "company", {"deals": server.port}), tmp_path / "data") as exporter,
    ):
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        with failing(exporter.process.pid, SYNCED_TO_DISK, "EIO"):
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
def limited(exporter: Exporter, what: int, most: int) -> Iterator[None]:
    """Meanwhile the running process may have no more of it."""
    before = resource.prlimit(exporter.process.pid, what)
    resource.prlimit(exporter.process.pid, what, (most, before[1]))
    try:
        yield
    finally:
        if exporter.process.poll() is None:
            resource.prlimit(exporter.process.pid, what, before)


def address_space(exporter: Exporter) -> int:
    pages = int(Path(f"/proc/{exporter.process.pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def test_a_page_that_memory_cannot_hold_fails_its_pass_and_not_the_process(tmp_path: Path) -> None:
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
            until(lambda: (exporter.value(failures) or 0) > 0)
            assert exporter.value(value_of("deals")) == 10
            tickets.add(1)
            until(lambda: exporter.value(value_of("tickets")) == tickets.count)
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        assert exporter.value(failures) == 0
        assert exporter.end()[0] == 0


def files_of(exporter: Exporter) -> int:
    return len(list(Path(f"/proc/{exporter.process.pid}/fd").iterdir()))


def test_with_no_file_left_to_open_it_waits_for_one_and_answers(tmp_path: Path) -> None:
    deals = vendor(10)
    with (
        served(deals.script) as server,
        exporting(company(tmp_path / "company", {"deals": server.port}), tmp_path / "data") as exporter,
        limited(exporter, resource.RLIMIT_NOFILE, FEW_FILES),
    ):
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        crowd = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(FEW_FILES)]
        try:
            until(lambda: files_of(exporter) >= FEW_FILES)
            deals.add(1)
        finally:
            for connection in crowd:
                connection.close()
        until(exporter.answers)
        assert get(exporter.port, "/metrics")[0] == 200
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        assert exporter.value("kpi_exporter_store_rebuilds_total") == 0
        assert exporter.value("kpi_exporter_store_up") == 1
        assert exporter.end()[0] == 0
