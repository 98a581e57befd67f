"""Backups of a store in use: what is in them, who may read them, and what is left if one fails."""

from __future__ import annotations

import stat
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from exporter.errors import StoreDamagedError, StoreError
from exporter.passes import Page
from exporter.store import backup as backup_module
from exporter.store.backup import PARTIAL
from exporter.store.manifest import read_manifest
from exporter.store.schema import SCHEMA_VERSION
from exporter.store.store import Store
from tests.processes import completed
from tests.store.damage import flip_bit_of_column
from tests.store.samples import HOUR, NOW, call, deal, filled, live, no_file_beyond, read, rows


def ids_in(path: Path) -> list[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return [key for (key,) in connection.execute("SELECT id FROM deals WHERE NOT deleted ORDER BY id").fetchall()]


def test_a_backup_has_every_record_and_says_what_it_contains(store: Store, tmp_path: Path) -> None:
    read(store, deal(1), deal(2), deal(3))
    read(store, deal(2, 1, amount=7), deal(3, 1, deleted=True), at=NOW + HOUR)
    store.deliver("phone", {"calls": Page((call(1),))}, NOW)
    out = tmp_path / "kpi.backup"
    manifest = store.backup(out, NOW)
    assert (manifest.records["deals"], manifest.records["calls"], manifest.records["people"]) == (2, 1, 0)
    assert manifest.rows["deals"] == 3
    assert manifest.rows["deals_versions"] == 2
    assert manifest.sources == ("crm", "phone")
    assert (manifest.taken_at, manifest.schema_version) == (NOW, SCHEMA_VERSION)
    with duckdb.connect(str(out), read_only=True) as connection:
        assert read_manifest(connection) == manifest
    assert ids_in(out) == ["1", "2"]


def test_only_its_owner_can_read_a_backup(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "kpi.backup"
    store.backup(out, NOW)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "kpi.backup"]


def test_a_backup_replaces_another_only_if_asked(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "kpi.backup"
    store.backup(out, NOW)
    read(store, deal(1))
    with pytest.raises(StoreError, match=r"exists.*--overwrite"):
        store.backup(out, NOW)
    assert ids_in(out) == []
    store.backup(out, NOW, overwrite=True)
    assert ids_in(out) == ["1"]


@pytest.mark.parametrize("name", ["data", "none/kpi.backup"])
def test_a_path_that_cannot_be_a_file_is_an_error(store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="in a directory that exists"):
        store.backup(tmp_path / name, NOW, overwrite=True)


def test_what_is_written_during_a_backup_neither_waits_for_it_nor_is_in_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(store, *map(deal, range(2000)))
    rewrite = backup_module._rewrite

    def while_more_arrives(*arguments: object) -> object:
        read(store, *map(deal, range(5000)), at=NOW + HOUR)
        store.deliver("shop", {"deals": Page((deal("last"),))}, NOW)
        return rewrite(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(backup_module, "_rewrite", while_more_arrives)
    manifest = store.backup(tmp_path / "kpi.backup", NOW)
    assert manifest.records["deals"] == 2000
    assert len(live(store)) == 5001


def test_writes_and_checkpoints_while_the_file_is_copied_change_nothing(store: Store, tmp_path: Path) -> None:
    read(store, *map(deal, range(1000)))
    stop, written = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            number = len(written)
            store.deliver("shop", {"deals": Page(tuple(deal(f"s{number}-{key}") for key in range(20)))}, NOW)
            written.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            before = 20 * len(written)
            manifest = store.backup(tmp_path / f"{number}.backup", NOW)
            assert 1000 + before <= manifest.records["deals"] <= 1000 + 20 * (len(written) + 1)
            assert manifest.records["deals"] % 20 == 0
    finally:
        stop.set()
        thread.join()
    assert len(live(store)) == 1000 + 20 * len(written)


def test_checkpoints_go_on_after_a_backup(store: Store, tmp_path: Path) -> None:
    store.backup(tmp_path / "kpi.backup", NOW)
    with store.reading() as connection:
        ((threshold,),) = connection.execute("SELECT current_setting('checkpoint_threshold')").fetchall()
    assert threshold == "16.0 MiB"


def test_a_full_disk_leaves_nothing_behind_and_the_store_usable(store: Store, tmp_path: Path) -> None:
    read(store, *map(deal, range(5000)))
    with no_file_beyond(150_000), pytest.raises(StoreError):
        store.backup(tmp_path / "kpi.backup", NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    store.ping()
    read(store, deal("last"))
    assert len(live(store)) == 5001


def test_remains_of_a_killed_backup_are_replaced(store: Store, tmp_path: Path) -> None:
    remains = tmp_path / f"kpi.backup{PARTIAL}"
    remains.mkdir()
    (remains / "copy.duckdb").write_text("half")
    store.backup(tmp_path / "kpi.backup", NOW)
    assert not remains.exists()


def test_a_damaged_store_has_no_backup(tmp_path: Path) -> None:
    filled(tmp_path / "data", range(3000))
    flip_bit_of_column(tmp_path / "data" / "kpi.duckdb", "deals", "id")
    (tmp_path / "data" / "kpi.sentinel").touch()
    store = Store.open(tmp_path / "data", on_corrupt="fail")
    with pytest.raises(StoreDamagedError, match="checksum"):
        store.backup(tmp_path / "kpi.backup", NOW)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_store_that_is_closed_during_a_backup_ends_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.store.database._COPY_BYTES", 4096)
    read(store, *map(deal, range(1000)))
    failures: list[StoreError] = []

    def back_up() -> None:
        try:
            while True:
                store.backup(tmp_path / "kpi.backup", NOW, overwrite=True)
        except StoreError as error:
            failures.append(error)

    thread = threading.Thread(target=back_up)
    thread.start()
    store.close()
    thread.join()
    assert failures
    with_store = Store.open(tmp_path / "data", on_corrupt="fail")
    assert len(rows(with_store)) == 1000
    with_store.close()


def test_no_other_program_can_open_the_store_after_a_backup(store: Store, tmp_path: Path) -> None:
    store.backup(tmp_path / "kpi.backup", NOW)
    code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    done = completed([sys.executable, "-c", code, store.path], text=True)
    assert "Could not set lock" in done.stderr
