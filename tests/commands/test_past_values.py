"""`check --data-dir` compares growth targets with the steps that past periods made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.commands import check
from exporter.commands.past_values import final_values
from exporter.config.loader import load
from exporter.store.store import Store
from tests import small_company
from tests.command_line import CliResult, RunCli
from tests.evaluation.records import ADA, deal, put

NOW = datetime(2025, 11, 19, 14, 30, tzinfo=UTC)
MONTHS = [datetime(2024 + month // 12, month % 12 + 1, 15, tzinfo=UTC) for month in range(24)]
GROWTH = (
    small_company.CONFIG.replace("period: year", "period: month")
    .replace("target: 1000", "target: {growth: 75%, over: previous}")
    .replace("yearly_revenue", "monthly_revenue")
)
FINALS = {MONTHS[n]: amount for n, amount in enumerate([7, 100, 110, 105, 120, 118], start=16)}
"""Revenue of May to October 2025; May is the month of the first record."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A company whose monthly revenue is to grow by 75 %, checked at NOW."""
    monkeypatch.setattr(check, "system_clock", lambda: NOW)
    return small_company.write(tmp_path / "company", GROWTH)


def fill(data: Path, revenue: Mapping[datetime, int], read_at: datetime = NOW) -> None:
    """Stores a won deal per month."""
    store = Store.open(data)
    try:
        put(store, "crm", "deals", [deal(n, amount, at) for n, (at, amount) in enumerate(revenue.items())], read_at)
        put(store, "hr", "people", [ADA], read_at)
    finally:
        store.close()


def steps(result: CliResult) -> list[str]:
    return [line.partition("kpis.yaml:")[2] for line in result.out.splitlines() if "no past period" in line]


def test_a_step_that_no_month_made_is_a_warning_with_its_line(run_cli: RunCli, config: Path, data: Path) -> None:
    fill(data, FINALS)
    result = run_cli("check", "-c", config, "-d", data)
    assert result.code == 0
    (line,) = steps(result)
    assert line == (
        "30: kpis[0].target.growth: no past period made a step of +75%: the greatest was +14%"
        " (set a target that history makes credible)"
    )


def test_with_strict_it_is_an_error(run_cli: RunCli, config: Path, data: Path) -> None:
    fill(data, FINALS)
    result = run_cli("check", "-c", config, "-d", data, "--strict")
    assert result.code == 2
    assert len(steps(result)) == 1


def test_a_step_that_was_made_before_is_fine(run_cli: RunCli, config: Path, data: Path) -> None:
    config.write_text(GROWTH.replace("75%", "14%"))
    fill(data, FINALS)
    assert steps(run_cli("check", "-c", config, "-d", data)) == []


def test_only_complete_months_that_the_records_cover_count(config: Path, data: Path) -> None:
    fill(data, {**FINALS, datetime(2025, 11, 3, tzinfo=UTC): 900})
    store, kpi = Store.open(data), load(config, {}).config.kpis[0]
    try:
        finals = final_values(load(config, {}).config, store, kpi, 24, NOW)
    finally:
        store.close()
    assert finals == [100, 110, 105, 120, 118], "May is the month of the first record, November is not over"


def test_a_month_that_was_not_read_to_its_end_does_not_count(config: Path, data: Path) -> None:
    fill(data, FINALS, read_at=datetime(2025, 10, 20, tzinfo=UTC))
    store, kpi = Store.open(data), load(config, {}).config.kpis[0]
    try:
        assert final_values(load(config, {}).config, store, kpi, 24, NOW) == [100, 110, 105, 120]
    finally:
        store.close()


def test_growth_over_last_year_is_compared_with_steps_over_a_year(run_cli: RunCli, config: Path, data: Path) -> None:
    config.write_text(GROWTH.replace("over: previous", "over: same_last_year"))
    fill(data, {month: 100 if month.year == 2024 else 150 for month in MONTHS[:22]})
    (line,) = steps(run_cli("check", "-c", config, "-d", data))
    assert "the greatest was +50%" in line


def test_an_absent_store_is_noted_and_not_created(run_cli: RunCli, config: Path, data: Path) -> None:
    data.mkdir()
    result = run_cli("check", "-c", config, "-d", data)
    assert result.code == 0
    assert f"note: there is no store in {data}" in result.out
    assert list(data.iterdir()) == []
    assert run_cli("check", "-c", config, "-d", data / "none", "--sources").code == 0
    assert not (data / "none").exists()


def test_a_store_in_use_is_noted(run_cli: RunCli, config: Path, data: Path) -> None:
    fill(data, FINALS)
    store = Store.open(data)
    try:
        result = run_cli("check", "-c", config, "-d", data)
    finally:
        store.close()
    assert result.code == 0
    assert f"note: the store in {data} is in use" in result.out
    assert steps(result) == []


def test_a_source_that_was_never_read_leaves_nothing_to_compare(run_cli: RunCli, config: Path, data: Path) -> None:
    Store.open(data).close()
    assert steps(run_cli("check", "-c", config, "-d", data)) == []


def test_a_definition_that_changed_has_past_values_of_both_forms(config: Path, data: Path) -> None:
    # the deals of September and before are counted, those of October are added up
    forms = "value: [{is: deals_won * 100}, {is: revenue, since: 2025-10-01}]"
    config.write_text(GROWTH.replace("value: revenue\n", f"{forms}\n    unit: currency\n"))
    fill(data, FINALS)
    store, loaded = Store.open(data), load(config, {}).config
    try:
        finals = final_values(loaded, store, loaded.kpis[0], 24, NOW)
    finally:
        store.close()
    assert finals == [100, 100, 100, 100, 118]
