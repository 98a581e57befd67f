"""`check` names the figures whose past rests on columns that the exporter must have seen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from exporter.commands.past_notes import past_notes
from exporter.store.store import Store
from tests import small_company
from tests.command_line import RunCli
from tests.evaluation.records import ADA, NOW, deal, put, small_config

DAY = timedelta(days=1)


def test_notes_name_metrics_and_kpis_and_the_day_of_the_first_record(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    put(store, "crm", "deals", [deal(1, 5, None)], NOW)
    put(store, "hr", "people", [ADA], NOW + DAY)
    notes = past_notes(small_config(), store, NOW + 3 * DAY)
    store.close()
    since = "whose past is known only since the exporter first saw"
    assert [(note.path, note.message) for note in notes] == [
        (
            "kpis[0].scopes",
            f"monthly_revenue counts for teams and people by deals.owner and people.team, {since} them (2025-11-20)",
        ),
        ("metrics[0]", f"revenue reads deals.stage, {since} it (2025-11-19)"),
    ]


def test_versions_that_are_no_longer_kept_move_the_day(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    put(store, "crm", "deals", [deal(1, 5, None)], NOW)
    notes = past_notes(small_config(history={"retention": "10d"}), store, NOW + 30 * DAY)
    store.close()
    assert "(2025-12-09)" in notes[-1].message


def test_without_records_the_day_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for notes in (past_notes(small_config(), store, NOW), past_notes(small_config(), None, NOW)):
        assert all(note.message.endswith(("saw it", "saw them")) for note in notes)
    store.close()


def test_check_prints_the_notes(run_cli: RunCli, tmp_path: Path) -> None:
    text = small_company.CONFIG.replace("sum: amount, unit: currency", "sum: amount, unit: currency, by: [owner]")
    config = small_company.write(tmp_path / "company", text)
    done = run_cli("check", "--config", config)
    assert done.code == 0
    assert "note: " in done.out
    assert "kpis.yaml:16: metrics[0]: revenue reads deals.owner, whose past is known only since" in done.out
    assert "kpis[0].scopes: yearly_revenue counts for teams and people by deals.owner and people.team" in done.out
