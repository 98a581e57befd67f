"""Opening a data directory: an intact, missing or damaged store, its lock and its sentinel."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from exporter.errors import StoreDamagedError, StoreError, StoreLockedError
from exporter.store.opening import DataFiles, DirectoryLock
from exporter.store.store import Store
from tests.store.killing import abandoned, run
from tests.store.samples import deal, filled, live, no_file_beyond, read, versions

BLOCK = 262_144


def overwrite(offset: int, length: int = 4096) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(os.urandom(length))

    return change


def replaced_by(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def foreign_duckdb(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE deals (id VARCHAR)")


def foreign_sqlite(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE deals (id TEXT)")
    connection.close()


def other_application(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE store_meta SET application = 'something else'")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "emptied": replaced_by(b""),
    "cut to a third": lambda path: os.truncate(path, path.stat().st_size // 3),
    "cut by a byte": lambda path: os.truncate(path, path.stat().st_size - 1),
    "header overwritten": overwrite(0, 64),
    "second header overwritten": overwrite(4096, 8192),
    "catalog overwritten": overwrite(3 * 4096 + 100),
    "a middle page overwritten": overwrite(3 * 4096 + 2 * BLOCK + 5000),
    "noise": replaced_by(os.urandom(100_000)),
    "text": replaced_by(b"hello"),
    "removed": lambda path: path.unlink(),
    "a foreign DuckDB database": foreign_duckdb,
    "a SQLite database": foreign_sqlite,
    "another application's": other_application,
    "a directory": directory,
}


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store of many blocks."""
    folder = tmp_path_factory.mktemp("intact")
    filled(folder, range(20_000))
    return folder


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_store_is_an_error_or_moved_aside(tmp_path: Path, intact: Path, kind: str) -> None:
    shutil.copytree(intact, tmp_path, dirs_exist_ok=True)
    DAMAGE[kind](tmp_path / "kpi.duckdb")
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match=r"kpi\.duckdb"):
            Store.open(tmp_path, on_corrupt="fail")
    assert not list(tmp_path.glob("*.damaged-*"))
    store = Store.open(tmp_path)
    assert store.rebuilds == 1
    assert store.rebuilds == 1
    assert not store.outcomes()
    assert not live(store)
    assert (tmp_path / "kpi.duckdb.damaged-1").exists() == (kind != "removed")
    read(store, deal(1))
    store.close()
    reopened = Store.open(tmp_path, on_corrupt="fail")
    assert live(reopened) == ["1"]
    reopened.close()


def test_each_damaged_file_is_moved_aside(tmp_path: Path) -> None:
    for _ in range(3):
        filled(tmp_path)
        (tmp_path / "kpi.duckdb").write_bytes(b"hello")
        Store.open(tmp_path).close()
    assert len(list(tmp_path.glob("*.damaged-*"))) == 3


WAL_LOSS: dict[str, Callable[[Path], object]] = {
    "removed": lambda wal: wal.unlink(),
    "emptied": replaced_by(b""),
    "cut": lambda wal: os.truncate(wal, wal.stat().st_size // 3),
    "overwritten": overwrite(100, 100),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a process that was killed after five passes."""
    folder = tmp_path_factory.mktemp("killed")
    abandoned(folder, passes=5)
    return folder


@pytest.mark.parametrize("kind", WAL_LOSS)
def test_lost_commits_are_detected(tmp_path: Path, killed: Path, kind: str) -> None:
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    WAL_LOSS[kind](tmp_path / "kpi.duckdb.wal")
    store = Store.open(tmp_path)
    assert store.rebuilds == 1
    assert not live(store)
    store.close()


def test_the_log_of_another_store_is_detected(tmp_path: Path, killed: Path) -> None:
    filled(tmp_path)
    shutil.copy(killed / "kpi.duckdb.wal", tmp_path / "kpi.duckdb.wal")
    store = Store.open(tmp_path)
    assert store.rebuilds == 1
    store.close()
    assert (tmp_path / "kpi.duckdb.damaged-1.wal").exists()


def test_a_killed_process_leaves_a_usable_store(tmp_path: Path, killed: Path) -> None:
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    assert (tmp_path / "kpi.duckdb.wal").stat().st_size
    store = Store.open(tmp_path, on_corrupt="fail")
    assert live(store) == ["0", "1", "2", "3", "4"]
    store.close()


def test_without_its_sentinel_a_store_is_trusted(tmp_path: Path) -> None:
    filled(tmp_path, range(5))
    for content in (None, b"", b"[1]", b'{"store_id": 1}'):
        sentinel = DataFiles.of(tmp_path).sentinel
        sentinel.unlink() if content is None else sentinel.write_bytes(content)
        store = Store.open(tmp_path, on_corrupt="fail")
        assert len(live(store)) == 5
        store.close()


def test_a_touched_but_intact_file_is_verified_and_kept(tmp_path: Path) -> None:
    filled(tmp_path, range(5))
    os.utime(tmp_path / "kpi.duckdb", (1, 1))
    store = Store.open(tmp_path, on_corrupt="fail")
    assert len(live(store)) == 5
    store.close()


def test_a_partially_created_store_is_created_again(tmp_path: Path) -> None:
    tmp_path.joinpath("kpi.duckdb.new").write_bytes(b"half")
    tmp_path.joinpath("kpi.duckdb.new.wal").write_bytes(b"half")
    tmp_path.joinpath("kpi.duckdb.tmp").mkdir()
    store = Store.open(tmp_path)
    assert store.rebuilds == 0
    store.close()
    assert not list(tmp_path.glob("*.new*"))
    assert not (tmp_path / "kpi.duckdb.tmp").exists()


def test_a_rebuilt_store_has_other_versions(tmp_path: Path) -> None:
    filled(tmp_path)
    store = Store.open(tmp_path)
    before = dict(versions(store))
    store.close()
    (tmp_path / "kpi.duckdb").write_bytes(b"")
    store = Store.open(tmp_path)
    assert not set(before.values()) & set(versions(store).values())
    store.close()


def test_the_error_names_an_unusable_directory(tmp_path: Path) -> None:
    tmp_path.joinpath("file").write_text("")
    with pytest.raises(StoreError, match=f"{tmp_path}/file/data cannot be read and written"):
        Store.open(tmp_path / "file" / "data")
    with pytest.raises(StoreError, match=f"{tmp_path}/file is not a folder: choose another"):
        Store.open(tmp_path / "file")


def test_a_full_disk_at_the_first_start_is_reported(tmp_path: Path) -> None:
    with no_file_beyond(5000), pytest.raises(StoreError, match=f"{tmp_path} cannot be written") as caught:
        Store.open(tmp_path)
    assert not isinstance(caught.value, StoreDamagedError)
    store = Store.open(tmp_path, on_corrupt="fail")
    assert not live(store)
    store.close()


def test_a_full_disk_is_not_mistaken_for_damage(tmp_path: Path, killed: Path) -> None:
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    with no_file_beyond(100), pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert not isinstance(caught.value, StoreDamagedError)
    store = Store.open(tmp_path, on_corrupt="fail")
    assert live(store) == ["0", "1", "2", "3", "4"]
    store.close()


def test_a_damaged_file_that_cannot_be_moved_is_reported(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "kpi.duckdb").write_bytes(b"hello")
    (tmp_path / "kpi.sentinel").unlink()
    (tmp_path / "kpi.sentinel").mkdir()
    with pytest.raises(StoreError, match=r"kpi\.sentinel cannot be read and written"):
        Store.open(tmp_path)


def test_a_second_lock_fails_until_the_first_is_released(tmp_path: Path) -> None:
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


def test_a_failed_open_releases_the_lock(tmp_path: Path) -> None:
    (tmp_path / "kpi.duckdb").mkdir()
    with pytest.raises(StoreError):
        Store.open(tmp_path, on_corrupt="fail")
    (tmp_path / "kpi.duckdb").rmdir()
    Store.open(tmp_path).close()


def test_a_file_that_another_program_has_open_is_not_changed(tmp_path: Path) -> None:
    filled(tmp_path)
    assert run("hold", tmp_path) == "locked\n"
    store = Store.open(tmp_path, on_corrupt="fail")
    assert len(live(store)) == 50
    store.close()
