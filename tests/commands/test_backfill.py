"""`backfill` writes the history of all series."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.commands import backfill
from exporter.commands.backfill import HistoryRange, RangeOptions
from exporter.config.loader import load
from tests import small_company
from tests.command_line import RunCli

NOW = datetime(2025, 11, 19, 14, 30, tzinfo=UTC)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deal every day of the last two months before NOW, which is the time of the command."""
    monkeypatch.setattr(backfill, "system_clock", lambda: NOW)
    path = small_company.write(tmp_path / "company")
    rows = [f"{n},ada,won,10,{(NOW - timedelta(days=n)).isoformat()},2020-01-01" for n in range(60)]
    (path.parent / "deals.csv").write_text("\n".join(["id,owner,status,amount,closed,created", *rows]) + "\n")
    return path


def timestamps(path: Path) -> list[int]:
    return sorted({int(match) for match in re.findall(r" (\d{10})\n", path.read_text())})


def test_sources_are_read_and_the_whole_history_is_written(run_cli: RunCli, company: Path, tmp_path: Path) -> None:
    out = tmp_path / "h.om"
    done = run_cli("backfill", "--config", company, "--data-dir", tmp_path / "data", "--out", out, "--step", "6h")
    assert (done.code, done.err) == (0, "")
    written = timestamps(out)
    assert f"{len(written)} steps of 6h" in done.out
    assert datetime.fromtimestamp(written[-1], UTC) == datetime(2025, 11, 19, 12, tzinfo=UTC)
    first = datetime.fromtimestamp(written[0], UTC)
    assert datetime(2025, 8, 31, 22, tzinfo=UTC) <= first < datetime(2025, 9, 1, 4, tzinfo=UTC), "September begins"
    assert out.read_text().endswith("# EOF\n")


def test_a_range_can_be_given_and_the_sync_left_out(run_cli: RunCli, company: Path, tmp_path: Path) -> None:
    out, day = tmp_path / "h.om", (NOW - timedelta(days=9)).date()
    arguments = ("backfill", "--config", company, "--data-dir", tmp_path / "data", "--out", out, "--from", day)
    assert run_cli(*arguments, "--to", day + timedelta(days=1), "--no-sync").code == 0
    assert "kpi_value" not in out.read_text(), "no source has been read"
    assert run_cli(*arguments, "--to", day + timedelta(days=1)).code == 0
    assert len(timestamps(out)) == 25
    assert 'kpi_value{kpi="yearly_revenue"}' in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--to", "2999-01-01"), "future"),
        (("--from", "2025-02-02", "--to", "2025-02-01"), "is after"),
        (("--from", "2999-02-02"), "is after"),
        (("--from", "soon"), "not a valid time"),
        (("--step", "2 hours"), "duration"),
        (("--step", "1s"), "not between"),
        (("--step", "2d"), "not between"),
    ],
)
def test_an_invalid_range_is_rejected_before_anything_is_read(
    run_cli: RunCli, company: Path, tmp_path: Path, arguments: tuple[str, ...], hint: str
) -> None:
    done = run_cli(
        "backfill", "--config", company, "--data-dir", tmp_path / "data", "--out", tmp_path / "h.om", *arguments
    )
    assert done.code == 2
    assert hint in done.err
    assert not (tmp_path / "data").exists()


def test_a_failing_source_gives_exit_code_4_and_the_history_of_the_others(
    run_cli: RunCli, company: Path, tmp_path: Path
) -> None:
    (company.parent / "people.csv").write_text("id,wrong\n1,2\n")
    done = run_cli("backfill", "--config", company, "--data-dir", tmp_path / "data", "--out", tmp_path / "h.om")
    assert done.code == 4
    assert "hr" in done.err
    assert 'kpi_value{kpi="yearly_revenue"}' in (tmp_path / "h.om").read_text()


def test_the_default_range_is_the_retention_of_prometheus(company: Path) -> None:
    config = load(company, {}).config
    history_range = HistoryRange.parse(RangeOptions(), config, NOW)
    assert history_range.end == datetime(2025, 11, 19, 14, tzinfo=UTC)
    steps = history_range.steps(config, datetime(2001, 1, 1, tzinfo=UTC))
    assert timedelta(0) <= steps[0] - (history_range.end - config.dashboards.retention) < timedelta(days=1)
    assert history_range.steps(config, datetime(2025, 11, 5, tzinfo=UTC))[0] == datetime(2025, 10, 31, 23, tzinfo=UTC)
    assert history_range.steps(config, None) == [history_range.end]
