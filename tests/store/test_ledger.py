"""Seals and restatements in the store."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.config.fields import Scope, Status
from exporter.errors import StoreError
from exporter.seals import Cause, LedgerEntries, PeriodLook, PeriodResult, Restatement, ResultKey, Seal
from exporter.store import ledger
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW

START = NOW - timedelta(days=40)
SEAL = Seal(
    kpi="revenue",
    scope=Scope.COMPANY,
    team=None,
    person=None,
    period="2025-10",
    start=START,
    end=NOW - 100 * HOUR,
    value=0.1 + 0.2,
    target=None,
    target_ratio=1e-17,
    status=Status.ON_TRACK,
    coverage=1.0,
    definition_digest="d",
    target_digest="t",
    watermark=NOW - HOUR,
    sealed_at=NOW,
)
ADAS = replace(SEAL, scope=Scope.PERSON, team="North", person="Ada Lovelace", value=None)
RESTATEMENT = Restatement(
    kpi="revenue",
    scope=Scope.PERSON,
    team="North",
    person="Ada Lovelace",
    period="2025-10",
    start=START,
    previous_value=1.5,
    value=2.5,
    previous_target=10.0,
    target=None,
    previous_target_ratio=0.15,
    target_ratio=None,
    previous_status=Status.OFF_TRACK,
    status=Status.NO_TARGET,
    cause=Cause.LATE,
    restated_at=NOW + HOUR,
)
LOOK = PeriodLook("revenue", "2025-10", START, SEAL.end, "d", "t", 7, None, NOW)


def looks(store: Store) -> tuple[PeriodLook, ...]:
    with store.reading() as connection:
        return ledger.read_looks(connection)


def test_entries_are_read_as_they_were_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.write_ledger(LedgerEntries((SEAL, ADAS), (RESTATEMENT,), (LOOK,)))
    store.close()
    store = Store.open(tmp_path, on_corrupt="fail")
    assert store.seals() == (SEAL, ADAS)
    assert store.restatements() == (RESTATEMENT,)
    assert looks(store) == (LOOK,)
    assert store.seals("margin") == store.restatements("margin") == ()
    store.close()


def test_a_look_replaces_the_one_before_at_the_same_period_alone(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    other = replace(LOOK, period="2025-09")
    later = replace(LOOK, commits=9, known_until=NOW, looked_at=NOW + HOUR)
    store.write_ledger(LedgerEntries(looks=(LOOK, other)))
    store.write_ledger(LedgerEntries(looks=(later,)))
    assert looks(store) == (other, later)
    store.close()


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path)
    monkeypatch.setattr(ledger, "_DELETE_LOOKS", "DELETE FROM nowhere WHERE kpi = ?")
    with pytest.raises(StoreError):
        store.write_ledger(LedgerEntries((SEAL,), (RESTATEMENT,), (LOOK,)))
    assert (store.seals(), store.restatements(), looks(store)) == ((), (), ())
    store.close()


def test_a_person_keeps_the_key_when_the_team_changes() -> None:
    assert (
        RESTATEMENT.key
        == replace(ADAS, team="South").key
        == ResultKey("revenue", "2025-10", Scope.PERSON, "Ada Lovelace")
    )
    assert SEAL.key == ResultKey("revenue", "2025-10", Scope.COMPANY, None)
    assert RESTATEMENT.previous == PeriodResult(1.5, 10.0, 0.15, Status.OFF_TRACK)


def test_a_process_that_is_killed_while_it_writes_leaves_nothing_behind(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        from pathlib import Path
        from exporter.seals import LedgerEntries
        from exporter.store.store import Store
        from tests.store.test_ledger import ADAS, LOOK, RESTATEMENT, SEAL
        from exporter.store import ledger
        store = Store.open(Path(sys.argv[1]))
        store.write_ledger(LedgerEntries((SEAL,), (), (LOOK,)))
        write = ledger._insert
        def kill(connection, kind, entries):
            if kind is ledger.PeriodLook:
                os.kill(os.getpid(), signal.SIGKILL)
            write(connection, kind, entries)
        ledger._insert = kill
        store.write_ledger(LedgerEntries((ADAS,), (RESTATEMENT,), (LOOK,)))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store.open(tmp_path, on_corrupt="fail")
    assert (store.seals(), store.restatements(), looks(store)) == ((SEAL,), (), (LOOK,))
    store.close()
