"""`ledger`: sealed periods and restatements as tables and JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.commands.ledger import next_seal
from exporter.config.loader import load
from exporter.config.root import Config
from exporter.ledger.keeper import LedgerKeeper
from exporter.store.store import Store
from tests import small_company
from tests.command_line import RunCli
from tests.evaluation.records import ADA, deal, put
from tests.ledger.months import config as monthly_config

SETTLED = datetime(2025, 11, 5, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
MONTHLY = small_company.CONFIG.replace("period: year", "period: month")


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """The small company with a monthly KPI: September and October 2025 are sealed, October is restated."""
    return small_company.write(tmp_path / "company", MONTHLY)


@pytest.fixture
def data(company: Path, tmp_path: Path) -> Path:
    store = Store.open(tmp_path / "data")
    keeper = LedgerKeeper(load(company, {}).config, store)
    deals = [deal(1, 400, datetime(2025, 9, 10, tzinfo=UTC)), deal(2, 1200, datetime(2025, 10, 20, tzinfo=UTC))]
    late = deal(3, 50, datetime(2025, 10, 21, tzinfo=UTC))
    for at, records in ((SETTLED, deals), (SETTLED + 3 * HOUR, [deals[0], deal(2, 900, deals[1].closed_at), late])):
        put(store, "hr", "people", [ADA], at)
        put(store, "crm", "deals", records, at)
        keeper.update(at)
    store.close()
    return tmp_path / "data"


def lines(text: str) -> list[list[str]]:
    """The rows of the tables, by their cells."""
    return [
        cells for line in text.splitlines() if (cells := [cell.strip() for cell in line.split("  ") if cell.strip()])
    ]


def test_the_newest_period_and_all_restatements_are_shown(
    run_cli: RunCli, company: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    done = run_cli("ledger", "-c", company, "-d", data)
    assert done.code == 0
    assert lines(done.out) == [
        ["Small, sealed periods"],
        ["KPI", "Scope", "Period", "Value", "Target", "Ratio", "Status", "Coverage", "Sealed"],
        ["Revenue this year", "company", "2025-10", "CHF 1,200", "CHF 1,000", "1.20", "▲ exceeded", "100.0%", "2025-11-06 00:00"],
        ["Restated since"],
        ["KPI", "Scope", "Period", "Value", "Ratio", "Status", "Cause", "Restated"],
        [
            "Revenue this year", "company", "2025-10", "CHF 1,200 → CHF 950.00", "1.20 → 0.95", "exceeded → ◆ at risk",
            "records arrived late", "2025-11-06 03:00",
        ],
    ]  # fmt: skip


def entries(run_cli: RunCli, company: Path, data: Path, *words: str) -> dict[str, list[tuple[str, str]]]:
    """(period, whose) of each entry in the JSON."""
    done = run_cli("ledger", "-c", company, "-d", data, "--json", *words)
    assert done.code == 0
    return {
        kind: [(entry["period"], entry["person"] or entry["team"] or "company") for entry in rows]
        for kind, rows in json.loads(done.out).items()
    }


def test_all_periods_one_kpi_or_one_period(run_cli: RunCli, company: Path, data: Path) -> None:
    october, september = ("2025-10", "company"), ("2025-09", "company")
    everything = {"seals": [september, october], "restatements": [october]}
    assert entries(run_cli, company, data, "--all") == everything
    assert entries(run_cli, company, data, "--kpi", "yearly_revenue") == everything
    assert entries(run_cli, company, data, "--period", "2025-09") == {"seals": [september], "restatements": []}
    assert entries(run_cli, company, data) == {"seals": [october], "restatements": [october]}


def test_teams_and_people(run_cli: RunCli, company: Path, data: Path) -> None:
    october = [("2025-10", name) for name in ("North", "Ada Lovelace", "company")]
    for scope, names in (("team", october[:1]), ("person", october[1:2])):
        assert entries(run_cli, company, data, "--scope", scope) == {"seals": names, "restatements": names}
    every = entries(run_cli, company, data, "--scope", "all")
    assert {kind: set(rows) for kind, rows in every.items()} == {"seals": set(october), "restatements": set(october)}


def test_json_has_all_fields_with_local_times(run_cli: RunCli, company: Path, data: Path) -> None:
    document = json.loads(run_cli("ledger", "-c", company, "-d", data, "--json").out)
    (seal,), (restatement,) = document["seals"], document["restatements"]
    assert (seal["value"], seal["target"], seal["status"]) == (1200, 1000, "exceeded")
    assert (seal["start"], seal["end"]) == ("2025-10-01T00:00:00+02:00", "2025-11-01T00:00:00+01:00")
    assert seal["sealed_at"] == seal["watermark"] == "2025-11-06T00:00:00+01:00"
    assert (restatement["previous_value"], restatement["value"], restatement["cause"]) == (1200, 950, "late")


def test_an_unknown_kpi_is_rejected_and_no_match_is_said(run_cli: RunCli, company: Path, data: Path) -> None:
    unknown = run_cli("ledger", "-c", company, "-d", data, "--kpi", "yearly_revenu")
    assert unknown.code == 2
    assert "did you mean yearly_revenue" in " ".join(unknown.err.split())
    assert "no sealed period matches" in run_cli("ledger", "-c", company, "-d", data, "--period", "2021-01").out


def test_without_a_store_nothing_is_created(run_cli: RunCli, company: Path, tmp_path: Path) -> None:
    done = run_cli("ledger", "-c", company, "-d", tmp_path / "none")
    assert done.code == 0
    assert done.out.startswith("nothing is sealed yet: ")
    assert not (tmp_path / "none").exists()


def test_a_store_in_use_is_reported(run_cli: RunCli, company: Path, data: Path) -> None:
    store = Store.open(data)
    done = run_cli("ledger", "-c", company, "-d", data)
    store.close()
    assert done.code == 3


def says(now: datetime, **changes: object) -> str:
    return next_seal(monthly_config(**changes), now)


def test_before_the_first_seal_the_next_one_is_announced() -> None:
    # October is over on the 31st; 1 November is a Saturday, so the third workday after it is Wednesday, the 5th
    serve = "nothing is sealed yet: kpi-exporter serve seals"
    assert says(SETTLED - HOUR) == f"{serve} 2025-10 of Revenue on 2025-11-06, if its sources are complete"
    assert says(SETTLED) == (
        f"{serve} 2025-11 of Revenue on 2025-12-04, if its sources are complete; earlier periods follow as soon as theirs are"
    )
    assert "2025-11 of Revenue on 2025-12-01" in says(SETTLED, history={"settling": 0})


def test_without_kpis_nothing_is_ever_sealed() -> None:
    empty: Config = monthly_config().model_copy(update={"kpis": ()})
    assert next_seal(empty, SETTLED) == "nothing is sealed: the config defines no KPI"
