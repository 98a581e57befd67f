"""`sync --once` reads every source once."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from exporter.passes import Page
from exporter.records import Deal
from exporter.store.store import Store
from tests.command_line import RunCli


def test_the_result_of_every_pass_is_shown(run_cli: RunCli, company: Path, data: Path) -> None:
    done = run_cli("sync", "--once", "--config", company, "--data-dir", data)
    assert done.code == 0
    assert re.search(r"crm +.*deals +.*done +.*2", done.out)
    second = json.loads(run_cli("sync", "--once", "-c", company, "-d", data, "--format", "json").out)
    assert second["success"] is True
    assert {p["source"] for p in second["passes"]} == {"crm", "hr"}


def test_a_failing_source_gives_exit_code_4(run_cli: RunCli, company: Path, data: Path) -> None:
    rows = "\n".join(f"{n},ada,won,much,never,then" for n in range(30))
    (company.parent / "deals.csv").write_text(f"id,owner,status,amount,closed,created\n{rows}\n")
    done = run_cli("sync", "--once", "--config", company, "--data-dir", data)
    assert done.code == 4
    assert "too_many_rejected" in done.out
    assert "deals of crm" in done.err
    known = run_cli("values", "--config", company, "--data-dir", data)
    assert known.code == 4
    assert "no data" in known.out


ROWS = [f"{n},ada,won,10,2020-01-02,2020-01-01" for n in range(1500)]


def test_a_repeated_id_of_a_file_is_rejected_with_both_lines(run_cli: RunCli, company: Path, data: Path) -> None:
    rows = "\n".join(["id,owner,status,amount,closed,created", *ROWS, "7,ada,won,9000,2020-01-02,2020-01-01"])
    (company.parent / "deals.csv").write_text(rows)
    store = Store.open(data)
    store.stage(store.begin("crm", "deals", datetime(2020, 1, 3, tzinfo=UTC)), "crm", Page((Deal(id="7"),)))
    store.close()  # killed after a page: the pass begins again
    done = run_cli("sync", "--once", "-c", company, "-d", data, "--format", "json")
    assert done.code == 0
    assert "deals of crm: 1 row was rejected: id: duplicate_id at line 1502, whose id is already on line 9" in done.err
    crm = next(report for report in json.loads(done.out)["passes"] if report["source"] == "crm")
    assert (crm["new"], crm["rejected"], crm["rejected_by"]) == (1500, 1, {"duplicate_id": 1})
    store = Store.open(data)
    assert {outcome.source: outcome.rejected for outcome in store.outcomes()} == {"crm": 1, "hr": 0}
    with store.reading() as connection:
        assert connection.execute("SELECT amount FROM deals WHERE id = '7'").fetchall() == [(10,)]
    store.close()


def test_without_once_sync_points_to_serve(run_cli: RunCli, company: Path) -> None:
    done = run_cli("sync", "--config", company)
    assert done.code == 2
    assert "kpi-exporter serve" in done.err
