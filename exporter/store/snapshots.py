"""The last snapshot, so that a restarted process serves it at once, and the evaluation's memory."""

from __future__ import annotations

from datetime import datetime

import duckdb

from exporter.store.state import aware, naive


def save(connection: duckdb.DuckDBPyConnection, snapshot: bytes, memory: bytes, at: datetime) -> None:
    """Replaces the kept snapshot."""
    connection.execute("DELETE FROM snapshots")
    connection.execute("INSERT INTO snapshots VALUES (?, ?, ?)", [naive(at), snapshot, memory])


def load(connection: duckdb.DuckDBPyConnection) -> tuple[bytes, bytes, datetime] | None:
    """The kept snapshot, the memory and the instant of both; None before the first."""
    row = connection.execute("SELECT snapshot, memory, taken_at FROM snapshots").fetchone()
    return None if row is None else (row[0], row[1], aware(row[2]))
