"""Consistent reads across several queries."""

from __future__ import annotations

import duckdb
import pytest

from exporter.metrics.connection import QueryError, consistent_read, release_memory, restart_transaction


@pytest.fixture
def store() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE numbers AS SELECT 1 AS number")
    return connection


def count(reader: duckdb.DuckDBPyConnection) -> int:
    return int(str(reader.execute("SELECT count(*) FROM numbers").fetchall()[0][0]))


def test_a_consistent_read_does_not_see_later_commits(store: duckdb.DuckDBPyConnection) -> None:
    reader = store.cursor()
    with consistent_read(reader):
        assert count(reader) == 1
        with consistent_read(reader):
            store.execute("INSERT INTO numbers VALUES (2)")
            assert count(reader) == 1
        assert count(reader) == 1
    assert count(reader) == 2


def test_temporary_tables_do_not_outlive_a_consistent_read(store: duckdb.DuckDBPyConnection) -> None:
    reader = store.cursor()
    with consistent_read(reader):
        reader.execute("CREATE TEMP TABLE own AS SELECT 1")
    with pytest.raises(QueryError):
        reader.execute("SELECT * FROM own")


def test_after_a_failed_query_a_new_state_begins(store: duckdb.DuckDBPyConnection) -> None:
    reader = store.cursor()
    with consistent_read(reader):
        with pytest.raises(QueryError):
            reader.execute("SELECT CAST('x' AS INT)").fetchall()
        restart_transaction(reader)
        assert count(reader) == 1


def test_an_error_inside_leaves_the_reader_usable(store: duckdb.DuckDBPyConnection) -> None:
    reader = store.cursor()
    with pytest.raises(ZeroDivisionError), consistent_read(reader):
        raise ZeroDivisionError
    assert count(reader) == 1


def test_releasing_memory_changes_neither_the_limit_nor_the_data(store: duckdb.DuckDBPyConnection) -> None:
    store.execute("SET GLOBAL memory_limit = '300MiB'")
    reader = store.cursor()
    with consistent_read(reader):
        assert count(reader) == 1
        store.execute("INSERT INTO numbers VALUES (2)")
        release_memory(reader)
        assert count(reader) == 1
    assert reader.execute("SELECT current_setting('memory_limit')").fetchall() == [("300.0 MiB",)]
