"""`retry` lifts a wait that a vendor asked for, with a running `serve` and without."""

from __future__ import annotations

from pathlib import Path

from tests.exporter_process import COMMAND, exporting
from tests.fakes.raw import json_response, served
from tests.processes import completed
from tests.test_faults import company, shows, vendor
from tests.waiting import until

HELD = json_response({}, 429, [("retry-after", "3600")])
LIMITED = 'kpi_exporter_source_state{source="crm",state="rate_limited"}'


def command(*words: object) -> tuple[int, str]:
    done = completed([COMMAND, *words], text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_running_exporter_reads_the_source_at_once(tmp_path: Path) -> None:
    crm, data = vendor(10), tmp_path / "data"
    crm.failure = HELD
    with served(crm.script) as server, exporting(company(tmp_path / "company", server.port), data) as exporter:
        until(lambda: exporter.value(LIMITED) == 1)
        crm.failure = None
        code, output = command("retry", "--source", "crm", "--data-dir", data)
        assert (code, output) == (0, "1 wait lifted: crm is read now\n")
        until(shows(exporter, crm))
        code, output = command("retry", "--source", "cmr", "--data-dir", data)
        assert (code, "name one of crm" in output) == (2, True)


def test_without_a_running_exporter_the_next_one_reads_the_source(tmp_path: Path) -> None:
    crm, data = vendor(10), tmp_path / "data"
    crm.failure = HELD
    with served(crm.script) as server:
        once = "sync", "--once", "--config", company(tmp_path / "company", server.port), "--data-dir", data
        assert command(*once)[0] == 4
        crm.failure, requests = None, crm.requests
        assert command(*once)[0] == 4
        assert crm.requests == requests
        code, output = command("retry", "--source", "crm", "--data-dir", data)
        assert (code, output) == (0, "1 wait lifted: crm is read at the next start or sync --once\n")
        assert command(*once)[0] == 0
