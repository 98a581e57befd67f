"""`check`: problems with their lines, KPI practice, growth targets, and access to sources."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import Reason, SourceRejectedError
from tests import small_company
from tests.command_line import RunCli


def test_a_valid_config_is_summarised(run_cli: RunCli, company: Path) -> None:
    done = run_cli("check", "--config", company)
    assert done.code == 0
    assert "2 sources, 2 metrics, 1 KPI, 1 objective" in done.out
    assert "warning: " in done.out


def test_warnings_are_errors_with_strict(run_cli: RunCli, company: Path) -> None:
    done = run_cli("check", "--config", company, "--strict")
    assert done.code == 2
    assert "no decision is named" in done.out
    assert "treated as errors" in done.out


def test_every_problem_is_reported_with_its_line(run_cli: RunCli, company: Path) -> None:
    text = small_company.CONFIG.replace("better: higher", "better: louder").replace("value: revenue", "value: revenues")
    company.write_text(text + "    colour: red\n")
    done = run_cli("check", "--config", company)
    assert done.code == 2
    assert len(re.findall(r"^error: .*kpis\.yaml:\d+: kpis\[0\]", done.out, re.MULTILINE)) == 3
    assert "3 problems" in done.out


def test_access_to_sources_can_be_checked(run_cli: RunCli, company: Path) -> None:
    done = run_cli("check", "--config", company, "--sources")
    assert done.code == 0
    assert re.search(r"crm\W+deals\W+yes", done.out)


def test_a_file_that_nobody_renewed_is_named_with_its_day(run_cli: RunCli, company: Path) -> None:
    written = datetime(2020, 2, 3, 12, tzinfo=UTC).timestamp()
    for name in ("deals.csv", "people.csv"):  # who is in which team may be as old as it likes
        os.utime(company.parent / name, (written, written))
    done = run_cli("check", "--config", company, "--sources")
    assert done.code == 0
    shown = " ".join(done.out.replace("│", " ").split())
    assert "last modified on 2020-02-03" in shown
    assert shown.count("last modified") == 1


def test_a_source_that_rejects_the_credentials_is_reported(
    run_cli: RunCli, company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exporter.sources.providers.csv import CsvSource

    async def rejected(_: CsvSource) -> Any:
        raise SourceRejectedError(Reason.UNAUTHORIZED, "the token is not accepted")

    monkeypatch.setattr(CsvSource, "check", rejected)
    done = run_cli("check", "--config", company, "--sources")
    assert done.code == 4
    assert "unauthorized: the token is not accepted" in " ".join(done.out.split())


def test_a_source_that_never_responds_is_reported(
    run_cli: RunCli, company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from exporter.commands import check
    from exporter.sources.providers.csv import CsvSource

    monkeypatch.setattr(check, "ACCESS_TIMEOUT", 0.01)
    monkeypatch.setattr(CsvSource, "check", lambda _: asyncio.sleep(5))
    done = run_cli("check", "--config", company, "--sources")
    assert done.code == 4
    assert "no response" in done.out
