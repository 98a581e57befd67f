"""A store that took the place of a damaged one says so until an operator accepts the loss."""

from __future__ import annotations

import logging
from pathlib import Path

import duckdb
import pytest

from exporter.errors import StoreDamagedError
from exporter.store.rebuilds import Rebuild
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW, deal, filled, live, read
from tests.tracing import is_killed_at


def rebuilt(folder: Path) -> Store:
    """An empty store that replaced a damaged one at NOW."""
    filled(folder)
    (folder / "kpi.duckdb").write_bytes(b"hello")
    return Store.open(folder, clock=lambda: NOW)


def test_a_rebuild_is_recorded_and_logged_with_its_cause_and_the_file_moved_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = rebuilt(tmp_path)
    path, aside = tmp_path / "kpi.duckdb", tmp_path / "kpi.duckdb.damaged-1"
    (rebuild,) = store.unaccepted_rebuilds()
    assert rebuild == Rebuild(NOW, f"{path} is not a database of this program", str(aside))
    assert str(rebuild).startswith("On 2025-11-19 at 14:30 UTC a new store replaced a damaged one")
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert str(aside) in record.message
    assert "accept-loss" in record.message
    store.close()


def test_a_rebuild_stays_until_it_is_accepted(tmp_path: Path) -> None:
    rebuilt(tmp_path).close()
    store = Store.open(tmp_path, on_corrupt="fail")
    read(store, deal(1))
    assert [outcome.rebuilt_at for outcome in store.outcomes()] == [NOW]
    assert len(store.accept_loss(NOW + HOUR)) == 1
    assert store.unaccepted_rebuilds() == store.accept_loss(NOW + HOUR) == ()
    assert [outcome.rebuilt_at for outcome in store.outcomes()] == [None]
    store.close()
    store = Store.open(tmp_path, on_corrupt="fail")
    assert store.unaccepted_rebuilds() == ()
    store.close()


def test_a_missing_file_is_a_rebuild_without_one_moved_aside(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "kpi.duckdb").unlink()
    store = Store.open(tmp_path, clock=lambda: NOW)
    (rebuild,) = store.unaccepted_rebuilds()
    assert rebuild.moved_to is None
    assert "the file was gone" in str(rebuild)
    store.close()


def test_a_new_store_has_no_rebuild(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.unaccepted_rebuilds() == ()
    store.close()


CALLS = ("pwrite64", "write", "fdatasync", "rename", "unlink")
EACH, STEP = 8, 5
"""The first so many writes are each a point to kill at, then every fifth: later ones repeat the first."""


@pytest.mark.parametrize("call", CALLS)
def test_a_rebuild_killed_at_any_write_is_never_taken_for_a_new_store(tmp_path: Path, call: str) -> None:
    kills = 0
    while True:
        folder = tmp_path / str(kills)
        filled(folder, range(3))
        damaged = b"hello"
        (folder / "kpi.duckdb").write_bytes(damaged)
        if not is_killed_at(call, kills + 1, "tests.store.killing", "rebuild", folder):
            break
        kills += 1 if kills < EACH else STEP
        store = Store.open(folder)
        assert store.unaccepted_rebuilds(), (call, kills)
        assert not live(store)
        store.close()
        assert damaged in [path.read_bytes() for path in folder.glob("kpi.duckdb.damaged-*")]
    assert kills > 0 or call == "unlink"


def flip_a_bit(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def damaged_while_open(folder: Path) -> Store:
    """An open store with a flipped bit in a block that it has not read yet, and whose times are as it left them."""
    store = Store.open(folder)
    read(store, *(deal(key, name=f"{hash(str(key))}" * 20) for key in range(30_000)))
    store.close()
    store = Store.open(folder, on_corrupt="fail")
    for block in range(4, (folder / "kpi.duckdb").stat().st_size // 262_144, 2):
        flip_a_bit(folder / "kpi.duckdb", 3 * 4096 + block * 262_144 + 5000)
    return store


QUERY = "SELECT max(name), max(attributes), max(amount), max(id), max(stage) FROM deals"


def test_damage_that_a_reader_meets_ends_all_use_of_the_store(tmp_path: Path) -> None:
    store = damaged_while_open(tmp_path)
    reader = store.reader()
    with pytest.raises(duckdb.Error) as caught:
        reader.execute(QUERY).fetchall()
    assert store.up
    assert isinstance(store.read_failed(caught.value), StoreDamagedError)
    assert not store.up
    for use in (store.ping, store.outcomes, store.reader, lambda: read(store, deal("new"))):
        with pytest.raises(StoreDamagedError, match="checksum"):
            use()
    with pytest.raises(StoreDamagedError, match="checksum"):
        store.recover()
    with pytest.raises(StoreDamagedError):
        store.outcomes()
    store.close()
    with pytest.raises(StoreDamagedError, match="checksum"):
        Store.open(tmp_path, on_corrupt="fail")


def test_damage_met_while_running_is_rebuilt_if_so_configured(tmp_path: Path) -> None:
    store = damaged_while_open(tmp_path)
    reader = store.reader()
    with pytest.raises(duckdb.Error) as caught:
        reader.execute(QUERY).fetchall()
    store.read_failed(caught.value)
    store.decide_damage("rebuild")
    store.recover()
    assert store.up
    assert not live(store)
    assert len(store.unaccepted_rebuilds()) == 1
    store.close()


def test_a_query_that_fails_for_another_reason_is_no_damage(store: Store) -> None:
    failure = store.read_failed(duckdb.CatalogException("no such table"))
    assert not isinstance(failure, StoreDamagedError)
    assert store.up
    read(store, deal(1))


def test_damage_is_found_by_the_next_open_after_a_kill(tmp_path: Path) -> None:
    store = damaged_while_open(tmp_path)
    with pytest.raises(duckdb.Error) as caught:
        store.reader().execute(QUERY).fetchall()
    store.read_failed(caught.value)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("kpi.duckdb", "kpi.sentinel"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    with pytest.raises(StoreDamagedError, match="checksum"):
        Store.open(copy, on_corrupt="fail")
    store.close()
