"""Tables are derived from the entities."""

from __future__ import annotations

import duckdb
import pytest

from exporter.records import ENTITIES
from exporter.store import schema


def created() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for statement in schema.create_statements():
        connection.execute(statement)
    return connection


@pytest.mark.parametrize("entity", ENTITIES)
def test_each_entity_has_a_table_and_one_of_its_versions(entity: str) -> None:
    tables = schema.entity_tables(entity)
    with created() as connection:
        for name, definitions in tables.items():
            columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", [name]).fetchall()
            assert tuple(columns) == definitions
    assert list(tables) == [entity, f"{entity}_versions"]


def test_a_checksum_reads_a_whole_table() -> None:
    with created() as connection:
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            assert len(connection.execute(schema.checksum_statement(table)).fetchall()) == 1


def test_other_columns_change_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = schema.schema_digest()
    assert before == schema.schema_digest()
    monkeypatch.setattr(schema, "COMMON_COLUMNS", (*schema.COMMON_COLUMNS, ("more", "VARCHAR")))
    assert schema.schema_digest() != before
