"""An open store: full disks, removed files, fatal errors, and recovery from them."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from exporter.errors import StoreDamagedError, StoreError
from exporter.store.database import Database
from exporter.store.schema import SCHEMA_VERSION
from exporter.store.store import Store
from tests.store.samples import deal, live, no_file_beyond, read
from tests.waiting import LIMIT


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path)
    yield opened
    opened.close()


def meta(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute("SELECT schema_version FROM store_meta").fetchone()[0]


def test_a_failed_transaction_changes_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute("UPDATE store_meta SET schema_version = 99")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert meta(database) == SCHEMA_VERSION
    assert database.up


def test_an_invalid_statement_does_not_mark_the_store_as_down(database: Database) -> None:
    with pytest.raises(StoreError) as caught, database.write() as connection:
        connection.execute("SELECT ?::INTEGER", ["s3cret"])
    assert "s3cret" not in str(caught.value)
    assert "ConversionException" in str(caught.value)
    assert database.up


def test_a_reader_has_a_constant_view(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    read(store, deal(1))
    with store.reading() as connection:
        before = connection.execute("SELECT count(*) FROM deals").fetchone()
        read(store, deal(2))
        assert connection.execute("SELECT count(*) FROM deals").fetchone() == before == (1,)
    reader = store.reader()
    assert reader.execute("SELECT count(*) FROM deals").fetchone() == (2,)
    reader.close()
    store.close()


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError), database.reading() as connection:
        connection.execute("DELETE FROM store_meta")
    assert meta(database) == SCHEMA_VERSION


def test_using_a_closed_store_is_an_error_and_closing_it_again_is_not(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.close()
    database.close()
    with pytest.raises(StoreError, match="is closed"):
        database.reader()
    with pytest.raises(StoreError, match="is closed"):
        database.write_once("SELECT 1", [])


@pytest.mark.parametrize("replaced", [False, True])
def test_a_store_removed_while_in_use_is_detected_before_a_write(tmp_path: Path, replaced: bool) -> None:
    store = Store.open(tmp_path)
    read(store, deal(1))
    store.path.unlink()
    if replaced:
        store.path.write_bytes(b"")
    for use in (lambda: read(store, deal(2)), store.ping, store.outcomes, store.reader):
        with pytest.raises(StoreDamagedError, match="was removed or replaced while in use"):
            use()
    assert not store.up
    store.recover()
    assert store.rebuilds == 1
    assert store.up
    assert not live(store)
    read(store, deal(2))
    assert live(store) == ["2"]
    store.close()


def test_a_removed_store_is_a_permanent_error_if_so_configured(tmp_path: Path) -> None:
    store = Store.open(tmp_path, on_corrupt="fail")
    store.path.unlink()
    with pytest.raises(StoreDamagedError, match="is missing"):
        store.recover()
    store.close()
    with pytest.raises(StoreDamagedError):
        Store.open(tmp_path, on_corrupt="fail")


def test_a_busy_reader_does_not_prevent_recovery(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    busy = store.reader()
    started = threading.Event()
    errors: list[type] = []

    def work() -> None:
        started.set()
        try:
            busy.execute("SELECT count(*) FROM range(100_000_000_000) r(a) WHERE hash(a) % 7 = 0").fetchall()
        except duckdb.Error as error:
            errors.append(type(error))

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    store.recover()
    thread.join(LIMIT)
    assert errors
    assert store.rebuilds == 0
    read(store, deal(1))
    store.close()


def test_a_write_can_be_interrupted(tmp_path: Path) -> None:
    database = Database(tmp_path)
    failed: list[StoreError] = []

    def work() -> None:
        try:
            with database.write() as connection:
                connection.execute("UPDATE store_meta SET schema_version = 99")
                connection.execute("SELECT count(*) FROM range(100_000_000_000) r(a) WHERE hash(a) % 7 = 0").fetchall()
        except StoreError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        database.interrupt(thread.ident or 0)
        thread.join(0.05)
    assert failed
    assert meta(database) == SCHEMA_VERSION
    database.close()


def publish_until_it_fails(store: Store) -> set[str]:
    """The ids of the passes published before one failed."""
    published: set[str] = set()
    for number in range(200):
        noise = random.Random(number).randbytes(30_000).hex()
        try:
            read(store, deal(number, name=noise))
        except StoreError:
            return published
        published.add(str(number))
    raise AssertionError("the disk never became full")


@pytest.mark.parametrize("checkpoint", [None, "200KB"], ids=["while logging", "while checkpointing"])
def test_the_store_survives_a_full_disk_and_recovers(store: Store, checkpoint: str | None) -> None:
    if checkpoint:
        with store._database.write() as connection:
            connection.execute("SET GLOBAL checkpoint_threshold = ?", [checkpoint])
    with no_file_beyond(store.path.stat().st_size + 150_000):
        published = publish_until_it_fails(store)
        assert not store.up
        with pytest.raises(StoreError, match="cannot be written"):
            store.ping()
        assert set(live(store)) >= published
        assert not store.up
    store.ping()
    assert store.up
    read(store, deal("last"))
    ids = live(store)
    assert published | {"last"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert store.rebuilds == 0


def test_the_log_is_bounded(store: Store) -> None:
    with store._database.write() as connection:
        connection.execute("SET GLOBAL checkpoint_threshold = '200KB'")
    for number in range(10):
        read(store, deal(number, name=random.Random(number).randbytes(30_000).hex()))
    assert sum(log.stat().st_size for log in store.path.parent.glob("*.wal")) < 300_000


def test_a_leftover_probe_does_not_prevent_recovery(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.up = False
    (tmp_path / "kpi.probe").mkdir()
    with pytest.raises(StoreError, match=f"{tmp_path} cannot be written: Is a directory"):
        database.ping()
    (tmp_path / "kpi.probe").rmdir()
    database.ping()
    assert database.up
    assert not (tmp_path / "kpi.probe").exists()
    database.close()


def test_commits_are_counted_even_if_the_sentinel_cannot_be_written(store: Store) -> None:
    sentinel = store.path.with_name("kpi.sentinel")
    sentinel.unlink()
    sentinel.mkdir()
    read(store, deal(1))
    assert live(store) == ["1"]
    sentinel.rmdir()
