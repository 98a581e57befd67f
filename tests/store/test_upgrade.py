"""Upgrading a store file: the copy that is kept, full disks, kills at any write, and stores that are refused."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import duckdb
import pytest

from exporter.errors import SchemaVersionError, StoreDamagedError, StoreError, UnknownSchemaError
from exporter.store.schema import SCHEMA_VERSION
from exporter.store.store import Store
from tests.store.earlier_shapes import build, record
from tests.store.samples import filled, live, no_file_beyond, read
from tests.tracing import is_killed_at

COPY = f"kpi.duckdb.before-{SCHEMA_VERSION}"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def upgraded(folder: Path) -> bool:
    """True if the store in the folder has every record and the current version; False if it is as it was."""
    with duckdb.connect(str(folder / "kpi.duckdb")) as connection:
        ((version,),) = connection.execute("SELECT schema_version FROM store_meta").fetchall()
        assert connection.execute("SELECT count(*) FROM payments").fetchall() == [(3,)]
    return bool(version == SCHEMA_VERSION)


def test_a_copy_from_before_the_upgrade_stays_and_is_private(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = record(build(tmp_path, 1))
    with caplog.at_level(logging.INFO):
        Store.open(tmp_path).close()
    copy = tmp_path / COPY
    assert record(copy) == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert str(copy) in caplog.text
    Store.open(tmp_path).close()
    assert names(tmp_path) == {"kpi.duckdb", "kpi.lock", "kpi.sentinel", COPY}


def test_the_log_of_a_killed_process_is_in_the_copy(tmp_path: Path) -> None:
    build(tmp_path / "closed", 4)
    other = tmp_path / "data"
    other.mkdir()
    with duckdb.connect(str(tmp_path / "closed" / "kpi.duckdb")) as connection:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute("INSERT INTO payments (source, id, deleted) VALUES ('shop', '4', FALSE)")
        for name in ("kpi.duckdb", "kpi.duckdb.wal"):
            (other / name).write_bytes((tmp_path / "closed" / name).read_bytes())
    assert (other / "kpi.duckdb.wal").stat().st_size
    store = Store.open(other)
    assert live(store, "payments") == ["1", "2", "3", "4"]
    store.close()
    with duckdb.connect(str(other / COPY)) as connection:
        assert connection.execute("SELECT count(*) FROM payments").fetchall() == [(4,)]


def test_only_the_copy_of_the_last_upgrade_stays(tmp_path: Path) -> None:
    build(tmp_path, 6)
    for name in ("kpi.duckdb.before-2", "kpi.duckdb.before-6", "kpi.duckdb.before-6.new"):
        (tmp_path / name).write_text("")
    Store.open(tmp_path).close()
    assert sorted(name for name in names(tmp_path) if "before" in name) == [COPY]


def test_a_new_store_and_a_current_one_are_not_copied(tmp_path: Path) -> None:
    filled(tmp_path)
    filled(tmp_path)
    assert not [name for name in names(tmp_path) if "before" in name]


def test_a_damaged_store_of_an_earlier_version_is_not_upgraded(tmp_path: Path) -> None:
    path = build(tmp_path, 4)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE noise AS SELECT hash(r) AS h FROM range(200_000) AS t(r)")
    with path.open("r+b") as file:
        file.seek(3 * 4096 + 5 * 262_144 + 5000)
        file.write(os.urandom(64))
    with pytest.raises(StoreDamagedError):
        Store.open(tmp_path, on_corrupt="fail")
    assert COPY not in names(tmp_path)


@pytest.mark.parametrize("limit", [200, 8192, 300_000, 800_000, 1_100_000, 1_500_000])
def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path, limit: int) -> None:
    build(tmp_path, 1)
    failed: list[StoreError] = []
    with no_file_beyond(limit):
        try:
            Store.open(tmp_path, on_corrupt="fail").close()
        except StoreError as error:
            failed.append(error)
    for error in failed:
        assert not isinstance(error, StoreDamagedError)
        assert str(tmp_path) in str(error)
    assert upgraded(tmp_path) == (not failed)
    assert f"{COPY}.new" not in names(tmp_path)
    store = Store.open(tmp_path, on_corrupt="fail")
    assert live(store, "payments") == ["1", "2", "3"]
    store.close()
    assert upgraded(tmp_path)


def test_a_copy_that_cannot_be_written_prevents_the_upgrade(tmp_path: Path) -> None:
    build(tmp_path, 1)
    (tmp_path / COPY).mkdir()
    with pytest.raises(StoreError, match=f"{COPY} cannot be written.*free space"):
        Store.open(tmp_path)
    assert not upgraded(tmp_path)


CALLS = ("pwrite64", "write", "fdatasync", "fsync", "rename", "unlink", "ftruncate")


@pytest.mark.parametrize("call", CALLS)
def test_an_upgrade_killed_at_any_write_is_repeated(tmp_path: Path, call: str) -> None:
    kills = 0
    while True:
        folder = tmp_path / str(kills)
        build(folder, 1)
        if not is_killed_at(call, kills + 1, "tests.store.killing", "upgrade", folder):
            break
        kills += 1
        before = upgraded(folder)
        store = Store.open(folder, on_corrupt="fail")
        assert live(store, "payments") == ["1", "2", "3"], (call, kills, before)
        assert store.rebuilds == 0
        store.close()
        assert upgraded(folder)
        assert names(folder) <= {"kpi.duckdb", "kpi.lock", "kpi.sentinel", COPY}
    assert kills > 0 or call in ("ftruncate", "fdatasync", "unlink")


def test_a_newer_store_is_refused_with_both_versions(tmp_path: Path) -> None:
    filled(tmp_path)
    with duckdb.connect(str(tmp_path / "kpi.duckdb")) as connection:
        connection.execute("UPDATE store_meta SET schema_version = ?", [SCHEMA_VERSION + 1])
    before = names(tmp_path)
    for on_corrupt in ("rebuild", "fail"):
        with pytest.raises(SchemaVersionError, match=f"version {SCHEMA_VERSION + 1}.*up to {SCHEMA_VERSION}"):
            Store.open(tmp_path, on_corrupt=on_corrupt)  # type: ignore[arg-type]
    assert names(tmp_path) == before


@pytest.mark.parametrize("change", ["shape = 'other'", "schema_version = 0", "schema_version = NULL", "shape = NULL"])
def test_unknown_tables_are_refused_and_not_called_damaged(tmp_path: Path, change: str) -> None:
    filled(tmp_path)
    with duckdb.connect(str(tmp_path / "kpi.duckdb")) as connection:
        connection.execute(f"UPDATE store_meta SET {change}")
    before = names(tmp_path)
    for _ in range(2):
        with pytest.raises(UnknownSchemaError, match=r"kpi\.duckdb has tables of schema version .* does not know: use"):
            Store.open(tmp_path)
    assert names(tmp_path) == before


def test_a_store_can_be_used_at_once_after_its_upgrade(tmp_path: Path) -> None:
    build(tmp_path, 3)
    store = Store.open(tmp_path)
    read(store, full=True)
    store.close()
    store = Store.open(tmp_path, on_corrupt="fail")
    assert live(store, "payments") == ["1", "2", "3"]
    store.close()
