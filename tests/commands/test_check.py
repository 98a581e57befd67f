"""`check`: problems with their lines, practice, and sources that are tried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import Reason, SourceRejectedError
from tests import small_company
from tests.command_line import Typed


def test_a_good_config_is_counted(typed: Typed, company: Path) -> None:
    done = typed("check", "--config", company)
    assert done.code == 0
    assert "2 sources, 2 metrics, 1 KPI, 1 objective" in done.out
    assert "warning: " in done.out


def test_practice_counts_where_it_is_asked_for(typed: Typed, company: Path) -> None:
    done = typed("check", "--config", company, "--strict")
    assert done.code == 2
    assert "no decision is named" in done.out
    assert "taken as errors" in done.out


def test_every_problem_of_a_config_is_told_with_its_line(typed: Typed, company: Path) -> None:
    text = small_company.CONFIG.replace("better: higher", "better: louder").replace("value: revenue", "value: revenues")
    company.write_text(text + "    colour: red\n")
    done = typed("check", "--config", company)
    assert done.code == 2
    assert len(re.findall(r"^error: .*kpis\.yaml:\d+: kpis\[0\]", done.out, re.MULTILINE)) == 3
    assert "3 problems" in done.out


def test_sources_can_be_tried(typed: Typed, company: Path) -> None:
    done = typed("check", "--config", company, "--sources")
    assert done.code == 0
    assert re.search(r"crm\W+deals\W+yes", done.out)


def test_a_source_that_refuses_is_told(typed: Typed, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from exporter.sources.providers.csv import CsvSource

    async def refused(_: CsvSource) -> Any:
        raise SourceRejectedError(Reason.UNAUTHORIZED, "the token is not accepted")

    monkeypatch.setattr(CsvSource, "check", refused)
    done = typed("check", "--config", company, "--sources")
    assert done.code == 4
    assert "unauthorized: the token is not accepted" in " ".join(done.out.split())


def test_a_source_that_never_answers_is_told(typed: Typed, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from exporter.commands import check
    from exporter.sources.providers.csv import CsvSource

    monkeypatch.setattr(check, "ACCESS_DEADLINE", 0.01)
    monkeypatch.setattr(CsvSource, "check", lambda _: asyncio.sleep(5))
    done = typed("check", "--config", company, "--sources")
    assert done.code == 4
    assert "no answer" in done.out
