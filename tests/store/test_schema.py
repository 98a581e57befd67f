"""The tables follow from the entities."""

from __future__ import annotations

import duckdb
import pytest

from exporter.records import ENTITIES
from exporter.store import schema


def made() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for statement in schema.create_statements():
        connection.execute(statement)
    return connection


@pytest.mark.parametrize("entity", ENTITIES)
def test_an_entity_is_a_table(entity: str) -> None:
    with made() as connection:
        found = connection.execute("SELECT name, type FROM pragma_table_info(?)", [entity]).fetchall()
    assert tuple(found) == schema.table_columns(entity)


def test_every_table_is_read_when_the_file_is_checked() -> None:
    with made() as connection:
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert len(schema.reading_statements()) == len(tables)
        assert all(any(f'"{table}"' in statement for statement in schema.reading_statements()) for table in tables)
        for statement in schema.reading_statements():
            assert len(connection.execute(statement).fetchall()) == 1


@pytest.mark.parametrize(
    ("entity", "column"),
    [("deals", "created_at"), ("calls", "started_at"), ("measurements", "at"), ("people", None)],
)
def test_tables_are_ordered_by_the_first_instant(entity: str, column: str | None) -> None:
    assert schema.time_column(entity) == column


def test_another_shape_has_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = schema.shape()
    assert before == schema.shape()
    monkeypatch.setattr(schema, "COMMON", (*schema.COMMON, ("more", "VARCHAR")))
    assert schema.shape() != before
