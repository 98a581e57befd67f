"""Faults around the program, observed from outside: real processes and a vendor that can fail."""

from __future__ import annotations

import math
import os
import random
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests import small_company
from tests.exporter_process import COMMAND, Exporter, exporting
from tests.faked_clock import shifted_by
from tests.fakes.api import FakeApi
from tests.fakes.raw import RESET, Pause, RawRequest, ScriptStep, served
from tests.processes import completed
from tests.small_company import rewritten
from tests.this_year import recent
from tests.waiting import LIMIT, until

DEALS = 'kpi_value{kpi="yearly_deals"}'
REVENUE = 'kpi_value{kpi="yearly_revenue"}'
UP = 'kpi_exporter_kpi_up{kpi="yearly_revenue"}'
ASOF = 'kpi_asof_timestamp_seconds{kpi="yearly_revenue"}'


@dataclass
class Vendor:
    """A CRM that lists its deals in pages. While `failure` is set, every request ends with it.

    With `hold_after`, requests beyond this number get no response.
    """

    api: FakeApi
    pause: float = 0.0
    failure: ScriptStep | None = None
    hold_after: float = math.inf
    requests: int = field(default=0, init=False)

    def script(self, seen: RawRequest) -> Iterable[ScriptStep]:
        self.requests += 1
        if self.failure is not None:
            return [self.failure]
        return [Pause(LIMIT if self.requests > self.hold_after else self.pause), *self.api.script(seen)]

    def won(self, count: int) -> None:
        """Adds deals, each with another amount."""
        now = recent(timedelta(seconds=1))
        for number in range(len(self.api.rows), len(self.api.rows) + count):
            closed = now.isoformat()
            self.api.rows.append({"id": f"d{number}", "amount": number + 1, "closed": closed, "updated_at": closed})

    @property
    def revenue(self) -> int:
        return sum(row["amount"] for row in self.api.rows)


def vendor(count: int, page: int = 50, pause: float = 0.0) -> Vendor:
    crm = Vendor(FakeApi(page=page), pause)
    crm.won(count)
    return crm


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


def shows(exporter: Exporter, crm: Vendor) -> Callable[[], bool]:
    """True if both KPIs equal the vendor's numbers."""
    return lambda: (exporter.value(DEALS), exporter.value(REVENUE)) == (len(crm.api.rows), crm.revenue)


def test_kills_during_the_first_sync_never_show_partial_numbers(tmp_path: Path) -> None:
    crm, rng = vendor(3000, pause=0.03), random.Random(7)
    pages, kills = 3000 // 50, 4
    with served(crm.script) as server:
        config = company(tmp_path / "company", server.port)
        for _ in range(kills):
            crm.hold_after = crm.requests + rng.randint(2, 9)
            with exporting(config, tmp_path / "data") as exporter:
                until(lambda: crm.requests > crm.hold_after)
                assert exporter.value(REVENUE) in (None, crm.revenue)
                assert exporter.end(signal.SIGKILL)[0] == -signal.SIGKILL
        assert crm.requests <= pages, "everything was read before the last kill"
        crm.hold_after = math.inf
        with exporting(config, tmp_path / "data") as exporter:
            until(lambda: exporter.value(REVENUE) is not None)
            assert shows(exporter, crm)()
            read_again = sum("since" not in seen.query for seen in server.log) - pages
            assert read_again <= kills * 10
            crm.won(1)
            until(shows(exporter, crm))


def test_an_outage_freezes_the_numbers_then_withholds_them_until_it_ends(tmp_path: Path) -> None:
    crm = vendor(100)
    with (
        served(crm.script) as server,
        exporting(company(tmp_path / "company", server.port, stale_after="20s"), tmp_path / "data") as exporter,
    ):
        until(shows(exporter, crm))
        before = crm.revenue
        crm.failure = RESET
        requests = crm.requests
        until(lambda: crm.requests > requests)
        crm.won(1)
        asof = exporter.value(ASOF)
        values = {(exporter.value(REVENUE), exporter.value(ASOF))}

        def withheld() -> bool:
            values.add((exporter.value(REVENUE), exporter.value(ASOF)))
            return exporter.value(UP) == 0

        until(withheld)
        assert values - {(None, asof)} == {(before, asof)}
        until(lambda: exporter.value(REVENUE) is None)
        assert exporter.value('kpi_status{kpi="yearly_revenue",status="stale"}') == 1
        assert exporter.value(ASOF) == asof
        assert exporter.value('kpi_exporter_source_up{source="crm"}') == 0
        crm.failure = None
        until(shows(exporter, crm))
        assert exporter.value(UP) == 1


def test_a_full_disk_pauses_only_reading_until_there_is_space(tmp_path: Path) -> None:
    crm = vendor(100)
    with (
        served(crm.script) as server,
        exporting(company(tmp_path / "company", server.port), tmp_path / "data") as exporter,
    ):
        until(shows(exporter, crm))
        before = crm.revenue
        _, most = resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (4096, most))
        crm.won(1000)
        until(lambda: exporter.value("kpi_exporter_store_up") == 0)
        assert exporter.value(REVENUE) == before
        until(lambda: exporter.value('kpi_exporter_source_state{source="crm",state="paused"}') == 1)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (most, most))
        until(shows(exporter, crm))
        assert exporter.value("kpi_exporter_store_up") == 1
        assert exporter.value("kpi_exporter_store_rebuilds_total") == 0


def _emptied(store: Path) -> None:
    store.write_bytes(b"")


def _foreign(store: Path) -> None:
    store.unlink()
    with sqlite3.connect(store) as other:
        other.execute("CREATE TABLE deals (id)")
    other.close()


@pytest.mark.parametrize("damage", [_emptied, _foreign])
def test_a_damaged_store_is_moved_aside_and_never_read_as_empty(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    crm = vendor(100, pause=0.1)
    data = tmp_path / "data"
    with served(crm.script) as server:
        config = company(tmp_path / "company", server.port)
        command = [COMMAND, "sync", "--once", "--config", config, "--data-dir", data]
        assert completed(command).returncode == 0
        store = data / "kpi.duckdb"
        damage(store)
        damaged = store.read_bytes()
        with exporting(config, data) as exporter:
            values = set()
            until(lambda: values.add(exporter.value(REVENUE)) or shows(exporter, crm)())
            assert values <= {None, crm.revenue}
            assert exporter.value("kpi_exporter_store_rebuilds_total") == 1
    (aside,) = data.glob("kpi.duckdb.damaged-*")
    assert aside.read_bytes() == damaged


def test_a_damaged_store_prevents_the_start_if_so_configured(tmp_path: Path) -> None:
    config = small_company.write(tmp_path / "company")
    data = tmp_path / "data"
    options = ["--config", config, "--data-dir", data]
    assert completed([COMMAND, "sync", "--once", *options]).returncode == 0
    os.truncate(data / "kpi.duckdb", (data / "kpi.duckdb").stat().st_size // 3)
    before = sorted(path.name for path in data.iterdir())
    serve = [COMMAND, "serve", *options, "--listen", "127.0.0.1:0", "--on-corrupt", "fail"]
    ended = completed(serve, text=True)
    assert ended.returncode == 3
    assert "kpi.duckdb" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(path.name for path in data.iterdir()) == before


def test_a_log_that_nobody_reads_blocks_neither_work_nor_shutdown(tmp_path: Path) -> None:
    crm = vendor(10)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"\n" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    try:
        with (
            served(crm.script) as server,
            exporting(
                company(tmp_path / "company", server.port), tmp_path / "data", "--log-level", "debug", log=writing
            ) as exporter,
        ):
            until(shows(exporter, crm))
            crm.won(1)
            until(shows(exporter, crm))
            assert exporter.end()[0] == 0
    finally:
        os.close(reading)
        os.close(writing)


def test_a_clock_jump_is_reported_and_changes_neither_schedule_nor_numbers(tmp_path: Path) -> None:
    shift = tmp_path / "shift"
    environ = shifted_by(shift)
    crm = vendor(10)
    with (
        served(crm.script) as server,
        exporting(company(tmp_path / "company", server.port), tmp_path / "data", environ=environ) as exporter,
    ):
        until(shows(exporter, crm))
        for moved, jumps in (("+3h", 1), ("+0", 2)):
            shift.write_text(moved)
            until(lambda jumps=jumps: exporter.value("kpi_exporter_clock_jumps_total") == jumps)
            crm.won(1)
            until(shows(exporter, crm))
        gaps = [later.when - earlier.when for earlier, later in zip(server.log, server.log[1:], strict=False)]
        assert min(gaps[1:]) > 0.5, "a burst of requests"
