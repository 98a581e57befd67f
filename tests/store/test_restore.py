"""Restores: what is verified first, what is kept, and what a kill leaves."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from exporter.errors import SchemaVersionError, StoreDamagedError, StoreError, StoreLockedError, StoreReplacedError
from exporter.store import restored_file
from exporter.store.opening import DataFiles
from exporter.store.restore import prepare_restore, restore
from exporter.store.schema import SCHEMA_VERSION
from exporter.store.store import Store
from tests.store.damage import flip_bit_of_column
from tests.store.earlier_shapes import build, recorded
from tests.store.killing import abandoned
from tests.store.samples import HOUR, NOW, deal, filled, live, no_file_beyond, read, versions


def backup_of(data: Path, out: Path) -> Path:
    with closing(Store.open(data, on_corrupt="fail")) as store:
        store.backup(out, NOW)
    return out


def ids_of(data: Path) -> list[str]:
    with closing(Store.open(data, on_corrupt="fail")) as store:
        assert store.rebuilds == 0
        return live(store)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The directory of a store with five deals, at whose cursor the next pass goes on."""
    filled(tmp_path / "data", range(5))
    return tmp_path / "data"


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    """A backup, after which there were four more deals."""
    out = backup_of(data, tmp_path / "kpi.backup")
    with closing(Store.open(data)) as store:
        read(store, *map(deal, range(9)), at=NOW + HOUR, cursor="later")
    return out


def test_a_restored_store_continues_where_the_backup_was(data: Path, backup: Path) -> None:
    restored = restore(data, backup, NOW)
    assert restored.former == data / "kpi.duckdb.former-1"
    assert (restored.contents.records["deals"], restored.contents.sources) == (5, ("crm",))
    with closing(Store.open(data, on_corrupt="fail")) as store:
        assert live(store) == ["0", "1", "2", "3", "4"]
        assert store.begin("crm", "deals", NOW + HOUR).cursor == "c"
        read(store, deal(7), at=NOW + 2 * HOUR)
    assert ids_of(data) == ["0", "1", "2", "3", "4", "7"]


def test_the_former_store_is_kept_and_can_be_restored_again(data: Path, backup: Path) -> None:
    restore(data, backup, NOW)
    restore(data, data / "kpi.duckdb.former-1", NOW)
    assert len(ids_of(data)) == 9
    restore(data, data / "kpi.duckdb.former-2", NOW)
    assert len(ids_of(data)) == 5
    assert sorted(path.name for path in data.glob("*.former-*")) == [f"kpi.duckdb.former-{n}" for n in (1, 2, 3)]


def test_a_backup_can_be_restored_to_another_directory(data: Path, backup: Path, tmp_path: Path) -> None:
    restored = restore(tmp_path / "elsewhere" / "data", backup, NOW)
    assert restored.former is None
    assert ids_of(tmp_path / "elsewhere" / "data") == ["0", "1", "2", "3", "4"]
    assert len(ids_of(data)) == 9


def test_a_restored_table_is_not_taken_for_the_one_before(data: Path, backup: Path) -> None:
    with closing(Store.open(data)) as store:
        before = versions(store)
        restored = prepare_restore(DataFiles.of(data), backup, NOW)
        store.open_restored()
        assert all(versions(store)[entity] > before[entity] for entity in before)
        assert restored.contents.commits > max(before.values())


@pytest.mark.parametrize("kind", ["text", "sqlite", "foreign", "empty", "missing"])
def test_what_is_not_a_backup_changes_nothing(data: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "file"
    if kind == "sqlite":
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE a (b)")
    elif kind == "foreign":
        with duckdb.connect(str(file)) as foreign:
            foreign.execute("CREATE TABLE a (b INTEGER)")
    elif kind != "missing":
        file.write_text("hello, this is not a database" if kind == "text" else "")
    before = (data / "kpi.duckdb").read_bytes()
    with pytest.raises(StoreError, match=str(file)):
        restore(data, file, NOW)
    assert (data / "kpi.duckdb").read_bytes() == before
    assert not list(data.glob("*.rest*"))


def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data, range(3000))
    backup = backup_of(data, tmp_path / "kpi.backup")
    flip_bit_of_column(backup, "deals", "id")
    with pytest.raises(StoreDamagedError, match="checksum"):
        restore(data, backup, NOW)
    os.truncate(backup, backup.stat().st_size // 2)
    with pytest.raises(StoreError, match=str(backup)):
        restore(data, backup, NOW)
    assert len(ids_of(data)) == 3000
    assert not list(data.glob("kpi.duckdb.*"))


def test_a_backup_with_other_rows_than_its_manifest_says_is_refused(data: Path, backup: Path) -> None:
    with duckdb.connect(str(backup)) as connection:
        connection.execute("DELETE FROM deals WHERE id = '3'")
    with pytest.raises(StoreError, match="manifest"):
        restore(data, backup, NOW)
    assert len(ids_of(data)) == 9


def test_a_backup_of_a_newer_version_is_refused_with_both_versions(data: Path, backup: Path) -> None:
    with duckdb.connect(str(backup)) as connection:
        connection.execute("UPDATE store_meta SET schema_version = 99")
    with pytest.raises(SchemaVersionError, match=rf"{backup} has schema version 99.*{SCHEMA_VERSION}"):
        restore(data, backup, NOW)
    assert len(ids_of(data)) == 9


def test_a_full_disk_changes_nothing(data: Path, backup: Path) -> None:
    with no_file_beyond(100_000), pytest.raises(StoreError):
        restore(data, backup, NOW)
    assert len(ids_of(data)) == 9
    assert not list(data.glob("*.rest*"))


def test_a_directory_in_use_is_refused(data: Path, backup: Path) -> None:
    with closing(Store.open(data)), pytest.raises(StoreLockedError):
        restore(data, backup, NOW)


@pytest.mark.parametrize("step", range(1, 6))
def test_a_restore_that_is_killed_is_finished_by_the_next_start(
    data: Path, backup: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    steps: list[str] = []

    def counted(name: str) -> None:
        original = getattr(Path, name)

        def call(path: Path, *arguments: object, **options: object) -> object:
            if path.parent == data:
                steps.append(name)
                if len(steps) == step:
                    raise KilledError
            return original(path, *arguments, **options)

        monkeypatch.setattr(Path, name, call)

    prepare_restore(DataFiles.of(data), backup, NOW)
    (data / "kpi.duckdb.wal").write_bytes(b"")
    for name in ("replace", "rename", "unlink"):
        counted(name)
    try:
        restored_file.finish_restore(DataFiles.of(data))
    except KilledError:
        assert step < 5
    monkeypatch.undo()
    assert ids_of(data) == ["0", "1", "2", "3", "4"]
    assert (data / "kpi.duckdb.former-1").exists()
    assert not (data / "kpi.duckdb.restored").exists()


def test_a_backup_put_in_place_by_hand_is_the_store(data: Path, backup: Path) -> None:
    shutil.copy(backup, data / "kpi.duckdb")
    assert ids_of(data) == ["0", "1", "2", "3", "4"]
    with closing(Store.open(data)) as store:
        read(store, deal(8), at=NOW + 2 * HOUR)
    assert ids_of(data) == ["0", "1", "2", "3", "4", "8"]


def test_a_backup_of_another_directory_put_in_place_by_hand_is_the_store(tmp_path: Path, backup: Path) -> None:
    filled(tmp_path / "other", range(2))
    shutil.copy(backup, tmp_path / "other" / "kpi.duckdb")
    assert ids_of(tmp_path / "other") == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("difference", ["older copy", "another directory"])
def test_another_copy_put_in_place_by_hand_is_refused_with_the_cure(
    data: Path, tmp_path: Path, difference: str
) -> None:
    older = (data / "kpi.duckdb").read_bytes()
    filled(tmp_path / "other", range(3))
    with closing(Store.open(data)) as store:
        read(store, *map(deal, range(9)), at=NOW + HOUR)
    content = older if difference == "older copy" else (tmp_path / "other" / "kpi.duckdb").read_bytes()
    (data / "kpi.duckdb").write_bytes(content)
    for _ in range(2):
        with pytest.raises(StoreReplacedError, match=rf"{difference}.*kpi-exporter restore {data}/kpi.duckdb"):
            Store.open(data, on_corrupt="rebuild")
    assert (data / "kpi.duckdb").read_bytes() == content
    assert not list(data.glob("*.damaged-*"))
    restore(data, data / "kpi.duckdb", NOW)
    assert len(ids_of(data)) == (5 if difference == "older copy" else 3)


def test_a_copy_beside_the_log_of_the_former_store_is_refused_with_the_cure(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    abandoned(data, passes=5)
    filled(other, range(2))
    assert (data / "kpi.duckdb.wal").stat().st_size
    shutil.copy(other / "kpi.duckdb", data / "kpi.duckdb")
    with pytest.raises(StoreReplacedError, match="kpi-exporter restore"):
        Store.open(data, on_corrupt="rebuild")
    restore(data, data / "kpi.duckdb", NOW)
    assert ids_of(data) == ["0", "1"]


def test_the_copy_of_a_killed_store_is_restored_with_its_log(data: Path, tmp_path: Path) -> None:
    abandoned(tmp_path / "killed", passes=7)
    restore(data, tmp_path / "killed" / "kpi.duckdb", NOW)
    assert len(ids_of(data)) == 7


@pytest.mark.parametrize("number", recorded())
def test_a_backup_of_every_earlier_version_is_upgraded(tmp_path: Path, number: int) -> None:
    file = build(tmp_path / "old", number)
    restore(tmp_path / "new", file, NOW)
    with closing(Store.open(tmp_path / "new", on_corrupt="fail")) as restored, restored.reading() as reader:
        assert reader.execute("SELECT count(*) FROM payments WHERE NOT deleted").fetchall() == [(3,)]
    assert not list((tmp_path / "new").glob("*.before-*")), "the former store is what undoes a restore"
