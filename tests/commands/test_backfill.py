"""The command that writes the past."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.commands.backfill import Past, Span
from exporter.config.loader import load
from tests import small_company
from tests.command_line import Typed, typist


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    return typist(monkeypatch, capsys)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A deal every day of the last two months."""
    path = small_company.write(tmp_path / "company")
    now = datetime.now(UTC)
    rows = [f"{n},ada,won,10,{(now - timedelta(days=n)).isoformat()},2020-01-01" for n in range(60)]
    (path.parent / "deals.csv").write_text("\n".join(["id,owner,status,amount,closed,created", *rows]) + "\n")
    return path


def stamps(path: Path) -> list[int]:
    return sorted({int(found) for found in re.findall(r" (\d{10})\n", path.read_text())})


def test_sources_are_read_and_all_that_is_known_is_written(typed: Typed, company: Path, tmp_path: Path) -> None:
    out = tmp_path / "h.om"
    done = typed("backfill", "--config", company, "--data-dir", tmp_path / "data", "--out", out, "--step", "6h")
    assert (done.code, done.err) == (0, "")
    found = stamps(out)
    assert f"{len(found)} steps of 6h" in done.out
    now = datetime.now(UTC).timestamp()
    assert now - 6 * 3600 - 600 < found[-1] <= now
    first = datetime.fromtimestamp(found[0], UTC)
    oldest = datetime.now(UTC) - timedelta(days=59)
    assert timedelta(0) <= oldest - first < timedelta(days=32), "the month of the first deal"
    assert out.read_text().endswith("# EOF\n")


def test_a_span_and_what_is_stored_are_enough(typed: Typed, company: Path, tmp_path: Path) -> None:
    out, day = tmp_path / "h.om", (datetime.now(UTC) - timedelta(days=9)).date()
    words = ("backfill", "--config", company, "--data-dir", tmp_path / "data", "--out", out, "--from", day)
    assert typed(*words, "--to", day + timedelta(days=1), "--no-sync").code == 0
    assert "kpi_value" not in out.read_text(), "nothing was ever read"
    assert typed(*words, "--to", day + timedelta(days=1)).code == 0
    assert len(stamps(out)) == 25
    assert 'kpi_value{kpi="yearly_revenue"}' in out.read_text()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--to", "2999-01-01"), "future"),
        (("--from", "2025-02-02", "--to", "2025-02-01"), "is after"),
        (("--from", "2999-02-02"), "is after"),
        (("--from", "soon"), "no instant"),
        (("--step", "2 hours"), "duration"),
        (("--step", "1s"), "not between"),
        (("--step", "2d"), "not between"),
    ],
)
def test_a_span_that_is_none_is_refused_before_anything_is_read(
    typed: Typed, company: Path, tmp_path: Path, words: tuple[str, ...], hint: str
) -> None:
    done = typed("backfill", "--config", company, "--data-dir", tmp_path / "data", "--out", tmp_path / "h.om", *words)
    assert done.code == 2
    assert hint in done.err
    assert not (tmp_path / "data").exists()


def test_a_source_that_fails_ends_it_with_4_and_a_file_of_what_is_known(
    typed: Typed, company: Path, tmp_path: Path
) -> None:
    (company.parent / "people.csv").write_text("id,wrong\n1,2\n")
    done = typed("backfill", "--config", company, "--data-dir", tmp_path / "data", "--out", tmp_path / "h.om")
    assert done.code == 4
    assert "hr" in done.err
    assert 'kpi_value{kpi="yearly_revenue"}' in (tmp_path / "h.om").read_text()


def test_by_default_it_goes_back_as_far_as_prometheus_keeps_it(company: Path) -> None:
    config, now = load(company, {}).config, datetime(2025, 11, 19, 14, 30, tzinfo=UTC)
    past = Past.parse(Span(), config, now)
    assert past.until == datetime(2025, 11, 19, 14, tzinfo=UTC)
    steps = past.steps(config, datetime(2001, 1, 1, tzinfo=UTC))
    assert steps[0] == past.until - config.dashboards.retention
    assert past.steps(config, datetime(2025, 11, 5, tzinfo=UTC))[0] == datetime(2025, 10, 31, 23, tzinfo=UTC)
    assert past.steps(config, None) == [past.until]
