"""Rebuilds: each time that the store took the place of a damaged one, until an operator accepts what was lost with it.

Polled sources are read again. What was pushed is in the damaged file and in backups only, so nobody can tell from the
new store how much is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from exporter.store.state import aware_utc, naive_utc


@dataclass(frozen=True, slots=True)
class Rebuild:
    """When a damaged store was replaced, why, and the path of the damaged file; None if there was no file."""

    at: datetime
    cause: str
    moved_to: str | None

    def __str__(self) -> str:
        kept = f"the damaged file is {self.moved_to}" if self.moved_to else "the file was gone"
        return f"On {self.at:%Y-%m-%d at %H:%M} UTC a new store replaced a damaged one ({self.cause}); {kept}"


def add_rebuild(connection: duckdb.DuckDBPyConnection, rebuild: Rebuild) -> None:
    """Records a rebuild, which nobody has accepted yet."""
    values = [naive_utc(rebuild.at), rebuild.moved_to, rebuild.cause]
    connection.execute("INSERT INTO rebuilds VALUES (?, ?, ?, NULL)", values)


def unaccepted_rebuilds(connection: duckdb.DuckDBPyConnection) -> tuple[Rebuild, ...]:
    """The rebuilds whose loss nobody has accepted, oldest first."""
    query = "SELECT rebuilt_at, cause, moved_to FROM rebuilds WHERE accepted_at IS NULL ORDER BY rebuilt_at"
    rows = connection.execute(query).fetchall()
    return tuple(Rebuild(aware_utc(at), cause, moved_to) for at, cause, moved_to in rows)


def accept_rebuilds(connection: duckdb.DuckDBPyConnection, at: datetime) -> None:
    """Records that an operator accepted what was lost."""
    connection.execute("UPDATE rebuilds SET accepted_at = ? WHERE accepted_at IS NULL", [naive_utc(at)])
