"""What goes wrong around the program, and what is seen of it from outside: real processes, a vendor that can fail."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import small_company
from tests.fakes.api import FakeApi
from tests.fakes.raw import RESET, Pause, Seen, Step, served
from tests.programs import program
from tests.small_company import rewritten
from tests.test_end_to_end import Exporter, exporting, until

DEALS = 'kpi_value{kpi="yearly_deals"}'
REVENUE = 'kpi_value{kpi="yearly_revenue"}'
UP = 'kpi_exporter_kpi_up{kpi="yearly_revenue"}'
ASOF = 'kpi_asof_timestamp_seconds{kpi="yearly_revenue"}'


@dataclass
class Vendor:
    """A CRM that lists its deals in pages; `fails` says how every request ends while it is set."""

    api: FakeApi
    pause: float = 0.0
    fails: Step | None = None
    asked: int = field(default=0, init=False)

    def script(self, seen: Seen) -> Iterable[Step]:
        self.asked += 1
        return [self.fails] if self.fails is not None else [Pause(self.pause), *self.api.script(seen)]

    def won(self, count: int) -> None:
        """So many more deals, each of another amount."""
        now = datetime.now(UTC) - timedelta(seconds=1)
        for number in range(len(self.api.rows), len(self.api.rows) + count):
            closed = now.isoformat()
            self.api.rows.append({"id": f"d{number}", "amount": number + 1, "closed": closed, "updated_at": closed})

    @property
    def revenue(self) -> int:
        return sum(row["amount"] for row in self.api.rows)


def vendor(count: int, page: int = 50, pause: float = 0.0) -> Vendor:
    made = Vendor(FakeApi(page=page), pause)
    made.won(count)
    return made


def company(folder: Path, port: int, *, stale_after: str = "1h") -> Path:
    """The small company with its deals behind an API."""
    listing = {
        "entity": "deals",
        "path": "/rows",
        "records": "data",
        "pagination": {"cursor": {"path": "paging.next.after", "param": "after"}},
        "since": {"param": "since"},
        "columns": {"id": "id", "amount": "amount", "closed_at": "closed", "updated_at": "updated_at", "status": {"value": "won"}},
    }  # fmt: skip
    source = {
        "name": "crm",
        "provider": "rest",
        "base_url": f"http://127.0.0.1:{port}",
        "allow_insecure": True,
        "allow_private": True,
        "sync_every": "1s",
        "stale_after": stale_after,
        "entities": [listing],
    }
    return rewritten(folder, [source])


def shows(exporter: Exporter, told: Vendor) -> Callable[[], bool]:
    """Whether both KPIs say exactly what the vendor has."""
    return lambda: (exporter.value(DEALS), exporter.value(REVENUE)) == (len(told.api.rows), told.revenue)


def test_killed_over_and_over_while_it_first_reads_it_never_shows_a_part_and_ends_with_all(tmp_path: Path) -> None:
    told, chance = vendor(3000, pause=0.03), random.Random(7)
    pages, kills = 3000 // 50, 4
    with served(told.script) as server:
        config = company(tmp_path / "company", server.port)
        for _ in range(kills):
            with exporting(config, tmp_path / "data") as exporter:
                before, enough = told.asked, chance.randint(2, 10)
                until(lambda before=before, enough=enough: told.asked >= before + enough)
                assert exporter.value(REVENUE) in (None, told.revenue)
                assert exporter.end(signal.SIGKILL)[0] == -signal.SIGKILL
        assert told.asked <= pages, "all was read before the last kill: nothing was tried"
        with exporting(config, tmp_path / "data") as exporter:
            until(lambda: exporter.value(REVENUE) is not None)
            assert shows(exporter, told)()
            read_again = sum("since" not in seen.query for seen in server.log) - pages
            assert read_again <= kills * 10
            told.won(1)
            until(shows(exporter, told))


def test_an_outage_freezes_the_numbers_then_withholds_them_and_heals(tmp_path: Path) -> None:
    told = vendor(100)
    with (
        served(told.script) as server,
        exporting(company(tmp_path / "company", server.port, stale_after="8s"), tmp_path / "data") as exporter,
    ):
        until(shows(exporter, told))
        before = told.revenue
        told.fails = RESET
        asked = told.asked
        until(lambda: told.asked > asked)
        told.won(1)
        asof = exporter.value(ASOF)
        seen = set()
        while exporter.value(UP) == 1:
            seen.add((exporter.value(REVENUE), exporter.value(ASOF)))
        assert seen - {(None, asof)} == {(before, asof)}
        until(lambda: exporter.value(REVENUE) is None)
        assert exporter.value('kpi_status{kpi="yearly_revenue",status="stale"}') == 1
        assert exporter.value(ASOF) == asof
        assert exporter.value('kpi_exporter_source_up{source="crm"}') == 0
        told.fails = None
        until(shows(exporter, told))
        assert exporter.value(UP) == 1


def test_a_full_disk_pauses_the_reading_and_nothing_else_until_there_is_room(tmp_path: Path) -> None:
    told = vendor(100)
    with (
        served(told.script) as server,
        exporting(company(tmp_path / "company", server.port), tmp_path / "data") as exporter,
    ):
        until(shows(exporter, told))
        before = told.revenue
        _, most = resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (4096, most))
        told.won(1000)
        until(lambda: exporter.value("kpi_exporter_store_up") == 0)
        assert exporter.value(REVENUE) == before
        until(lambda: exporter.value('kpi_exporter_source_state{source="crm",state="paused"}') == 1)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (most, most))
        until(shows(exporter, told))
        assert exporter.value("kpi_exporter_store_up") == 1
        assert exporter.value("kpi_exporter_store_rebuilds_total") == 0


def _emptied(store: Path) -> None:
    store.write_bytes(b"")


def _other_program(store: Path) -> None:
    store.unlink()
    with sqlite3.connect(store) as other:
        other.execute("CREATE TABLE deals (id)")
    other.close()


@pytest.mark.parametrize("damage", [_emptied, _other_program])
def test_a_store_that_is_not_ours_is_kept_aside_and_never_read_as_nothing(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    told = vendor(100, pause=0.1)
    data = tmp_path / "data"
    with served(told.script) as server:
        config = company(tmp_path / "company", server.port)
        command = [Path(sys.executable).with_name("kpi-exporter"), "sync", "--once", "--config", config]
        subprocess.run([*command, "--data-dir", data], check=True, capture_output=True)
        store = data / "kpi.duckdb"
        damage(store)
        spoilt = store.read_bytes()
        with exporting(config, data) as exporter:
            shown = set()
            while not shows(exporter, told)():
                shown.add(exporter.value(REVENUE))
            assert shown <= {None, told.revenue}
            assert exporter.value("kpi_exporter_store_rebuilds_total") == 1
    (kept,) = data.glob("kpi.duckdb.damaged-*")
    assert kept.read_bytes() == spoilt


def test_a_damaged_store_may_be_a_reason_not_to_start(tmp_path: Path) -> None:
    config = small_company.write(tmp_path / "company")
    data = tmp_path / "data"
    command = [Path(sys.executable).with_name("kpi-exporter")]
    given = ["--config", config, "--data-dir", data]
    subprocess.run([*command, "sync", "--once", *given], check=True, capture_output=True)
    os.truncate(data / "kpi.duckdb", (data / "kpi.duckdb").stat().st_size // 3)
    before = sorted(path.name for path in data.iterdir())
    ended = subprocess.run(
        [*command, "serve", *given, "--listen", "127.0.0.1:0", "--on-corrupt", "fail"], capture_output=True, text=True
    )
    assert ended.returncode == 3
    assert "kpi.duckdb" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(path.name for path in data.iterdir()) == before


def test_a_log_that_nobody_reads_stops_neither_work_nor_the_end(tmp_path: Path) -> None:
    told = vendor(10)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"\n" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    try:
        with (
            served(told.script) as server,
            exporting(
                company(tmp_path / "company", server.port), tmp_path / "data", "--log-level", "debug", log=writing
            ) as exporter,
        ):
            until(shows(exporter, told))
            told.won(1)
            until(shows(exporter, told))
            assert exporter.end()[0] == 0
    finally:
        os.close(reading)
        os.close(writing)


def test_a_clock_that_jumps_is_told_and_changes_neither_pace_nor_numbers(tmp_path: Path) -> None:
    (library,) = (program("faketime").parents[1] / "lib").glob("*/faketime/libfaketimeMT.so.1")
    shift = tmp_path / "shift"
    shift.write_text("+0")
    environ = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(shift),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    told = vendor(10)
    with (
        served(told.script) as server,
        exporting(company(tmp_path / "company", server.port), tmp_path / "data", environ=environ) as exporter,
    ):
        until(shows(exporter, told))
        for moved, jumps in (("+3h", 1), ("+0", 2)):
            shift.write_text(moved)
            until(lambda jumps=jumps: exporter.value("kpi_exporter_clock_jumps_total") == jumps)
            told.won(1)
            until(shows(exporter, told))
        gaps = [later.when - earlier.when for earlier, later in zip(server.log, server.log[1:], strict=False)]
        assert min(gaps[1:]) > 0.5, "a burst of requests"
