"""A store that an earlier version of the program wrote keeps its records, cursors and identity."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from exporter.store import migrations, schema
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW, deal, read, rows, watermarks

SHAPE_1 = Path(__file__).with_name("shape_1.sql")


def first_shape(folder: Path) -> None:
    """Leaves a store of the first schema version, with a deal, a pushed post and an interrupted pass."""
    at = NOW.replace(tzinfo=None)
    with duckdb.connect(str(folder / "kpi.duckdb")) as connection:
        connection.execute(SHAPE_1.read_text())
        connection.execute(
            "INSERT INTO store_meta VALUES ('kpi-exporter', 'abc', 1, ?, 7)", [migrations.EARLIER_SHAPES[1]]
        )
        connection.execute("INSERT INTO entity_state VALUES ('deals', 7, 0)")
        connection.execute("INSERT INTO deals (source, id, deleted, stage) VALUES ('crm', '1', FALSE, 'offer')")
        connection.execute(
            "INSERT INTO outcomes VALUES ('crm', 'deals', '', 'c', ?, ?, ?, 0, NULL, NULL, NULL, 1.5)", [at, at, at]
        )


def test_an_upgraded_store_keeps_its_records_and_its_position(tmp_path: Path) -> None:
    first_shape(tmp_path)
    store = Store.open(tmp_path, on_corrupt="fail")
    assert rows(store, "id, stage, valid_from, known_from") == [("1", "offer", None, None)]
    assert watermarks(store) == {("crm", "deals"): NOW}
    assert store.begin("crm", "deals", NOW + HOUR).cursor == "c"
    assert store.rebuilds == 0
    store.close()


def test_records_from_before_the_upgrade_are_known_since_always(tmp_path: Path) -> None:
    first_shape(tmp_path)
    store = Store.open(tmp_path)
    read(store, deal(1, stage="won"), at=NOW + HOUR)
    later = (NOW + HOUR).replace(tzinfo=None)
    with store.reading() as connection:
        versions = connection.execute(
            "SELECT stage, valid_from, known_from, valid_until, known_until FROM deals_versions"
        )
        assert versions.fetchall() == [("offer", None, None, later, later)]
    store.close()


def test_an_upgraded_store_is_like_a_new_one(tmp_path: Path) -> None:
    first_shape(tmp_path)
    Store.open(tmp_path).close()
    Store.open(tmp_path / "new").close()
    described = "SELECT table_name, column_name, data_type FROM duckdb_columns() ORDER BY table_name, column_index"
    shapes = []
    for folder in (tmp_path, tmp_path / "new"):
        with duckdb.connect(str(folder / "kpi.duckdb")) as connection:
            meta = connection.execute("SELECT schema_version, shape FROM store_meta").fetchall()
            shapes.append((meta, connection.execute(described).fetchall()))
    assert shapes[0] == shapes[1]


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first_shape(tmp_path)
    steps = {1: lambda: ['ALTER TABLE "deals" ADD COLUMN "valid_from" TIMESTAMP', "no statement"]}
    monkeypatch.setattr(migrations, "_STEPS", steps)
    with duckdb.connect(str(tmp_path / "kpi.duckdb")) as connection:
        with pytest.raises(duckdb.Error):
            migrations.upgrade(connection, 1)
        assert connection.execute("SELECT schema_version FROM store_meta").fetchall() == [(1,)]
        assert "valid_from" not in {name for _, name, *_ in connection.execute("PRAGMA table_info('deals')").fetchall()}


def test_there_is_a_step_from_each_earlier_version() -> None:
    assert sorted(migrations.EARLIER_SHAPES) == sorted(migrations._STEPS) == list(range(1, schema.SCHEMA_VERSION))
