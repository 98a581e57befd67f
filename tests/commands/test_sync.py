"""`sync --once`: one pass, and how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.command_line import Typed


def test_one_pass_says_what_it_did(typed: Typed, company: Path, data: Path) -> None:
    done = typed("sync", "--once", "--config", company, "--data-dir", data)
    assert done.code == 0
    assert re.search(r"crm +.*deals +.*done +.*2", done.out)
    again = json.loads(typed("sync", "--once", "-c", company, "-d", data, "--format", "json").out)
    assert again["success"] is True
    assert {p["source"] for p in again["passes"]} == {"crm", "hr"}


def test_a_source_that_fails_ends_one_pass_with_4(typed: Typed, company: Path, data: Path) -> None:
    rows = "\n".join(f"{n},ada,won,much,never,then" for n in range(30))
    (company.parent / "deals.csv").write_text(f"id,owner,status,amount,closed,created\n{rows}\n")
    done = typed("sync", "--once", "--config", company, "--data-dir", data)
    assert done.code == 4
    assert "too_many_rejected" in done.out
    assert "deals of crm" in done.err
    known = typed("values", "--config", company, "--data-dir", data)
    assert known.code == 4
    assert "no data" in known.out


def test_sync_goes_on_only_as_serve(typed: Typed, company: Path) -> None:
    done = typed("sync", "--config", company)
    assert done.code == 2
    assert "kpi-exporter serve" in done.err
