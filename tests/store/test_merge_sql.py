"""The SQL of a merge names the entity's table and columns, always quoted."""

from __future__ import annotations

import pytest
import sqlglot

from exporter.records import ENTITIES
from exporter.store.merge_sql import merge_statements
from exporter.store.schema import table_columns


@pytest.mark.parametrize("entity", ENTITIES)
def test_no_placeholder_name_remains(entity: str) -> None:
    sql = merge_statements(entity)
    statements = [
        sql.incoming, sql.hits, sql.changes, sql.unlisted(None), sql.superseded, sql.bury, sql.buried,
        sql.delete, sql.insert, sql.size, sql.delete_source, sql.delete_versions, *sql.sort, *sql.expired, sql.late or "SELECT 1",
    ]  # fmt: skip
    for statement in statements:
        tree = sqlglot.parse_one(statement, read="duckdb")
        tables = {table.name for table in tree.find_all(sqlglot.exp.Table)}
        assert not tables & {"listed"}
        assert "records" not in tables
        columns = {column.name for column in tree.find_all(sqlglot.exp.Column)}
        assert not columns & {"structure", "same", "instant", "next_valid_from", "next_known_from"}


def test_the_comparison_covers_every_column() -> None:
    comparison = merge_statements("calls").changes
    assert all(f'"incoming"."{name}" IS NOT DISTINCT FROM' in comparison for name, _ in table_columns("calls")[1:])


def test_a_column_named_like_a_keyword_is_quoted() -> None:
    assert 'ORDER BY "at"' in merge_statements("measurements").insert
    assert merge_statements("people").late is None
