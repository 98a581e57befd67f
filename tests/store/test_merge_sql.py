"""The statements of a merge name the entity's own table and columns, always quoted."""

from __future__ import annotations

import pytest
import sqlglot

from exporter.records import ENTITIES
from exporter.store import merge_sql as sql
from exporter.store.schema import table_columns


@pytest.mark.parametrize("entity", ENTITIES)
def test_no_name_of_the_template_is_left(entity: str) -> None:
    statements = [
        sql.incoming(entity), sql.hits(entity), sql.verdicts(entity), sql.delete_unlisted(entity, None),
        sql.delete(entity), sql.insert(entity), sql.size(entity), sql.drop_source(entity), *sql.sort(entity),
        sql.late(entity) or "SELECT 1",
    ]  # fmt: skip
    for statement in statements:
        tree = sqlglot.parse_one(statement, read="duckdb")
        tables = {table.name for table in tree.find_all(sqlglot.exp.Table)}
        assert not tables & {"listed"}
        assert "records" not in tables
        columns = {column.name for column in tree.find_all(sqlglot.exp.Column)}
        assert not columns & {"structure", "same", "instant"}


def test_the_comparison_covers_every_column() -> None:
    compared = sql.verdicts("calls")
    assert all(f'"incoming"."{name}" IS NOT DISTINCT FROM' in compared for name, _ in table_columns("calls")[1:])


def test_a_column_named_like_a_keyword_is_quoted() -> None:
    assert 'ORDER BY "at"' in sql.insert("measurements")
    assert sql.late("people") is None
