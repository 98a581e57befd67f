"""A wall clock that is wrong for a while, in real processes: it hides no age, and waits last as long as asked for."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.exporter_process import COMMAND, exporting
from tests.faked_clock import shifted_by
from tests.fakes.raw import RESET, json_response, served
from tests.processes import completed
from tests.test_faults import ASOF, REVENUE, UP, Vendor, company, shows, vendor
from tests.waiting import until

LAST_SUCCESS = 'kpi_exporter_source_last_success_timestamp_seconds{entity="deals",source="crm"}'
DAY = 86_400


@dataclass(frozen=True)
class WallClock:
    """The wall clock of the processes that get `environ`, whose monotonic clock is right."""

    shift: Path
    environ: dict[str, str]

    def set(self, shift: str) -> None:
        self.shift.write_text(shift)


@pytest.fixture
def wall(tmp_path: Path) -> WallClock:
    shift = tmp_path / "shift"
    return WallClock(shift, shifted_by(shift))


def once(config: Path, data: Path, wall: WallClock) -> int:
    """The exit code of one pass in a process of its own."""
    command = [COMMAND, "sync", "--once", "--config", config, "--data-dir", data]
    return completed(command, env={**os.environ, **wall.environ}).returncode


def test_a_clock_that_was_a_day_ahead_hides_no_outage(tmp_path: Path, wall: WallClock) -> None:
    crm, data = vendor(10), tmp_path / "data"
    with served(crm.script) as server:
        config = company(tmp_path / "company", server.port, stale_after="20s")
        with exporting(config, data, environ=wall.environ) as exporter:
            until(shows(exporter, crm))
            wall.set("+1d")
            until(lambda: (exporter.value(LAST_SUCCESS) or 0) > time.time() + DAY / 2)
            crm.failure = RESET
            wall.set("+0")
            until(lambda: (exporter.value(LAST_SUCCESS) or 0) < time.time())
            until(lambda: exporter.value(UP) == 0)
            assert exporter.value(ASOF) is None or (exporter.value(ASOF) or 0) < time.time()
            assert exporter.value(REVENUE) is None
            crm.failure = None
            until(shows(exporter, crm))


def test_a_restart_after_a_wrong_clock_shows_nothing_until_the_source_is_read_again(
    tmp_path: Path, wall: WallClock
) -> None:
    crm, data = vendor(10), tmp_path / "data"
    with served(crm.script) as server:
        config = company(tmp_path / "company", server.port)
        wall.set("+1d")
        assert once(config, data, wall) == 0
        wall.set("+0")
        crm.failure = RESET
        with exporting(config, data, environ=wall.environ) as exporter:
            until(lambda: exporter.value("kpi_exporter_evaluation_success") is not None)
            until(lambda: exporter.value(UP) == 0)
            assert exporter.value(LAST_SUCCESS) is None
            crm.failure = None
            until(shows(exporter, crm))


@pytest.mark.parametrize(("then", "now"), [("+1d", "+0"), ("-1d", "+0"), ("+0", "+0"), ("+0", "+1d")])
def test_a_wait_is_kept_by_the_next_process_whatever_the_clock_did(
    tmp_path: Path, wall: WallClock, then: str, now: str
) -> None:
    crm: Vendor = vendor(10)
    crm.failure = json_response({}, 429, [("retry-after", "3600")])
    data = tmp_path / "data"
    with served(crm.script) as server:
        config = company(tmp_path / "company", server.port)
        wall.set(then)
        assert once(config, data, wall) == 4
        requests, crm.failure = crm.requests, None
        wall.set(now)
        for _ in range(2):
            assert once(config, data, wall) == 4
        assert crm.requests == requests
