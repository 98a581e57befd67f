"""The store as metrics see it: a cursor to read with, and transactions for consistent reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from exporter.store.connection import is_damage

Reader = duckdb.DuckDBPyConnection
"""A cursor for the calling thread, as supplied by the store. It has its own small temporary tables."""

QueryError = duckdb.Error
"""Raised by a query that the store cannot answer."""


def raise_damage(error: QueryError) -> None:
    """Raises the error again if it says that the store is damaged: then no metric can be trusted, not only this one."""
    if is_damage(error):
        raise error


@contextmanager
def consistent_read(reader: Reader) -> Iterator[None]:
    """Every query inside sees the same state of the store, whatever a sync commits in the meantime.

    If nested, the outermost one counts.
    """
    # a second BEGIN would abort the first transaction, so compare the ids of two queries
    first, second = (reader.execute("SELECT txid_current()").fetchall() for _ in range(2))
    if first == second:
        yield
        return
    reader.begin()
    try:
        yield
    finally:
        reader.rollback()


def restart_transaction(reader: Reader) -> None:
    """Leaves the transaction that a failed query aborted and begins one on the current state."""
    reader.rollback()
    reader.begin()


def release_memory(reader: Reader) -> None:
    """Returns the memory that the store reserves for further queries to the machine; its cache stays."""
    # DuckDB empties its allocator whenever its limit is set, to any value
    reader.execute("SET GLOBAL memory_limit = current_setting('memory_limit')")
