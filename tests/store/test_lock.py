"""One process per data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.errors import StoreError, StoreLockedError
from exporter.store.lock import DirectoryLock
from exporter.store.store import Store
from tests.store.killing import run
from tests.store.samples import filled, live


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first = DirectoryLock(tmp_path / "kpi.lock")
    with pytest.raises(StoreLockedError, match="is in use by another kpi-exporter process"):
        DirectoryLock(tmp_path / "kpi.lock")
    first.release()
    DirectoryLock(tmp_path / "kpi.lock").release()


def test_a_store_is_opened_once(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(StoreLockedError, match=str(tmp_path)):
        Store.open(tmp_path)
    store.close()
    Store.open(tmp_path).close()


def test_a_failed_start_lets_the_next_one_try(tmp_path: Path) -> None:
    (tmp_path / "kpi.duckdb").mkdir()
    with pytest.raises(StoreError):
        Store.open(tmp_path, on_corrupt="fail")
    (tmp_path / "kpi.duckdb").rmdir()
    Store.open(tmp_path).close()


def test_a_file_that_another_program_has_open_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    assert run("hold", tmp_path) == "refused\n"
    store = Store.open(tmp_path, on_corrupt="fail")
    assert len(live(store)) == 50
    store.close()
