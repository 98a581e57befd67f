"""`sync --once` reads every source once."""

from __future__ import annotations

import json
import re
from pathlib import Path

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


def test_without_once_sync_points_to_serve(run_cli: RunCli, company: Path) -> None:
    done = run_cli("sync", "--config", company)
    assert done.code == 2
    assert "kpi-exporter serve" in done.err
