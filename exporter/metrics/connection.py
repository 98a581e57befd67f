"""The store as metrics see it: a cursor to read with, and one state of the data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

Reader = duckdb.DuckDBPyConnection
"""A cursor of the calling thread's own, as the store hands out. It keeps small temporary tables of its own."""

QueryError = duckdb.Error
"""What a query raises that the store cannot answer."""


@contextmanager
def one_state(reader: Reader) -> Iterator[None]:
    """Every query inside sees the same state of the store, whatever a sync publishes meanwhile.

    May be nested: the outermost one decides.
    """
    if _in_transaction(reader):
        yield
        return
    reader.begin()
    try:
        yield
    finally:
        reader.rollback()


def begin_again(reader: Reader) -> None:
    """Leaves the transaction that a failed query spoilt and starts one on the present state."""
    reader.rollback()
    reader.begin()


def give_back(reader: Reader) -> None:
    """Gives back to the machine the memory that the store keeps for further queries; what it has cached stays."""
    # DuckDB empties its allocator when its limit is set, whatever to
    reader.execute("SET GLOBAL memory_limit = current_setting('memory_limit')")


def _in_transaction(reader: Reader) -> bool:
    # trying to begin a second transaction would spoil the first one
    first, second = (reader.execute("SELECT txid_current()").fetchall() for _ in range(2))
    return first == second
