"""A store of any earlier shape keeps its records, its position and its identity."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from exporter.passes import Page
from exporter.records import Person
from exporter.store import migrations, schema
from exporter.store.store import Store
from tests.store.earlier_shapes import build, record, recorded
from tests.store.samples import HOUR, NOW, deal, live, read, rows, watermarks

EARLIER = range(1, schema.SCHEMA_VERSION)
WITH_VERSIONS, WITH_LEDGER = range(3, schema.SCHEMA_VERSION), range(4, schema.SCHEMA_VERSION)


def test_a_store_of_every_earlier_shape_is_recorded() -> None:
    """Whoever changes the schema records a store of the former one: see `earlier_shapes`."""
    assert recorded() == tuple(EARLIER)
    assert len(migrations.EARLIER_SHAPES) == len(migrations._STEPS) == len(EARLIER)


@pytest.mark.parametrize("number", EARLIER)
def test_a_recorded_store_has_the_shape_of_its_number(tmp_path: Path, number: int) -> None:
    with duckdb.connect(str(build(tmp_path, number))) as connection:
        rows = connection.execute("SELECT schema_version, shape FROM store_meta").fetchall()
    assert migrations.shape_number(migrations.Shape(*rows[0])) == number


def test_a_store_of_this_program_has_the_newest_number(tmp_path: Path) -> None:
    assert migrations.shape_number(migrations.Shape(schema.SCHEMA_VERSION, schema.schema_digest())) == len(EARLIER) + 1
    assert migrations.shape_number(migrations.Shape(schema.SCHEMA_VERSION, "another")) is None


@pytest.mark.parametrize("number", EARLIER)
def test_an_upgraded_store_keeps_its_records_and_its_position(tmp_path: Path, number: int) -> None:
    build(tmp_path, number)
    store = Store.open(tmp_path, on_corrupt="fail")
    assert [row[:2] for row in rows(store, "id, stage")] == [("1", "won"), ("2", None)]
    assert live(store, "payments") == ["1", "2", "3"]
    assert watermarks(store) == {("crm", "deals"): NOW + 2 * HOUR, ("shop", "payments"): NOW}
    assert store.begin("crm", "deals", NOW + 3 * HOUR).cursor == "c3"
    assert store.load_snapshot() == (b"snapshot", b"memory", NOW + HOUR)
    assert store.rebuilds == 0
    store.close()


@pytest.mark.parametrize("number", EARLIER)
def test_a_pass_that_was_interrupted_before_the_upgrade_is_resumed(tmp_path: Path, number: int) -> None:
    build(tmp_path, number)
    store = Store.open(tmp_path)
    sync_pass = store.begin("crm", "people", NOW + 3 * HOUR)
    assert sync_pass.resume == "next"
    store.stage(sync_pass, "crm", Page((Person(id="p2", name="Bo"),)))
    store.publish("crm", "people", full=True, at=NOW + 3 * HOUR)
    assert rows(store, "id, name", "people") == [("p1", "Ada"), ("p2", "Bo")]
    store.close()


@pytest.mark.parametrize("number", EARLIER)
def test_an_upgraded_store_is_like_a_new_one(tmp_path: Path, number: int) -> None:
    build(tmp_path, number)
    Store.open(tmp_path).close()
    Store.open(tmp_path / "new").close()
    described = "SELECT table_name, column_name, data_type FROM duckdb_columns() ORDER BY table_name, column_index"
    shapes = []
    for folder in (tmp_path, tmp_path / "new"):
        with duckdb.connect(str(folder / "kpi.duckdb")) as connection:
            meta = connection.execute("SELECT schema_version, shape FROM store_meta").fetchall()
            shapes.append((meta, connection.execute(described).fetchall()))
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("number", EARLIER)
def test_records_from_before_versions_are_known_since_always(tmp_path: Path, number: int) -> None:
    build(tmp_path, number)
    store = Store.open(tmp_path)
    read(store, deal(2, 3, stage="offer"), at=NOW + 3 * HOUR)
    later = (NOW + 3 * HOUR).replace(tzinfo=None)
    with store.reading() as connection:
        query = "SELECT known_from, valid_from, valid_until, known_until FROM deals_versions WHERE id = '2'"
        known = None if number not in WITH_VERSIONS else NOW.replace(tzinfo=None)
        assert connection.execute(query).fetchall() == [(known, None, later, later)]
    store.close()


@pytest.mark.parametrize("number", WITH_VERSIONS)
def test_an_upgrade_keeps_superseded_versions(tmp_path: Path, number: int) -> None:
    build(tmp_path, number)
    store = Store.open(tmp_path)
    assert rows(store, "id, stage", "deals_versions") == [("1", "offer")]
    store.close()


@pytest.mark.parametrize("number", WITH_LEDGER)
def test_an_upgrade_keeps_the_ledger(tmp_path: Path, number: int) -> None:
    build(tmp_path, number)
    store = Store.open(tmp_path)
    (seal,), (restatement,) = store.seals(), store.restatements()
    assert (seal.period, seal.value, restatement.value) == ("2025-10", 6.0, 7.0)
    with store.reading() as connection:
        looks = connection.execute("SELECT period, period_start, period_end, commits FROM period_looks").fetchall()
    assert looks == [("2025-10", seal.start.replace(tzinfo=None), seal.end.replace(tzinfo=None), 5)]
    store.close()


def test_a_recorded_store_is_recorded_as_it_was(tmp_path: Path) -> None:
    text = record(build(tmp_path, 6))
    assert "'O''Hara'" in text
    assert "süd" in text
    path = tmp_path / "again.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(text)
    assert record(path) == text


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build(tmp_path, 2)
    before = record(path)
    steps = (*migrations._STEPS[:-1], lambda: ["no statement"])
    monkeypatch.setattr(migrations, "_STEPS", steps)
    with duckdb.connect(str(path)) as connection, pytest.raises(duckdb.Error):
        migrations.migrate(connection, 2)
    assert record(path) == before
