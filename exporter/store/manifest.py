"""The manifest of a backup: which program wrote it, when, and what is in it. It is a table of the backup's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import duckdb
import orjson

from exporter import __version__
from exporter.records import ENTITIES
from exporter.store.detached import table_names
from exporter.store.state import aware_utc, naive_utc

MANIFEST_TABLE = "backup_manifest"


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup contains. `rows` are those of each table, `records` those of each entity that are not deleted."""

    program: str
    schema_version: int
    store_id: str
    commits: int
    taken_at: datetime
    rows: Mapping[str, int]
    records: Mapping[str, int]
    sources: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """`{"program", "schema_version", "store_id", "commits", "taken_at", "records": {...}, "sources": [...]}`."""
        return {
            "program": self.program,
            "schema_version": self.schema_version,
            "store_id": self.store_id,
            "commits": self.commits,
            "taken_at": self.taken_at.isoformat(timespec="seconds"),
            "records": dict(self.records),
            "sources": list(self.sources),
        }


def describe(connection: duckdb.DuckDBPyConnection, database: str, at: datetime) -> BackupManifest:
    """The manifest of a database, which the connection uses, as it is. Raises duckdb.Error."""
    statement = "SELECT schema_version, store_id, commits FROM store_meta"
    ((schema_version, store_id, commits),) = connection.execute(statement).fetchall()
    names = [name for name in table_names(connection, database) if name != MANIFEST_TABLE]
    rows = {name: _count(connection, name) for name in names}
    entities = [name for name in ENTITIES if name in rows]
    records = {name: _count(connection, name, "NOT deleted") for name in entities}
    sources: set[str] = set()
    for name in ("outcomes", *entities):
        sources.update(_sources(connection, name))
    return BackupManifest(__version__, schema_version, store_id, commits, at, rows, records, tuple(sorted(sources)))


def write_manifest(connection: duckdb.DuckDBPyConnection, manifest: BackupManifest) -> None:
    """Writes the manifest into the database, in place of another. Raises duckdb.Error."""
    connection.execute(
        "CREATE OR REPLACE TABLE backup_manifest (program VARCHAR, schema_version INTEGER, store_id VARCHAR,"
        " commits BIGINT, taken_at TIMESTAMP, content VARCHAR)"
    )
    content = {"rows": dict(manifest.rows), "records": dict(manifest.records), "sources": list(manifest.sources)}
    values = [manifest.program, manifest.schema_version, manifest.store_id, manifest.commits]
    values += [naive_utc(manifest.taken_at), orjson.dumps(content).decode()]
    connection.execute("INSERT INTO backup_manifest VALUES (?, ?, ?, ?, ?, ?)", values)


def read_manifest(connection: duckdb.DuckDBPyConnection) -> BackupManifest | None:
    """The manifest in the database; None if it is not a backup. Raises duckdb.Error."""
    statement = "SELECT program, schema_version, store_id, commits, taken_at, content FROM backup_manifest"
    try:
        rows = connection.execute(statement).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    if not rows:
        return None
    program, schema_version, store_id, commits, taken_at, text = rows[0]
    content = orjson.loads(text)
    return BackupManifest(
        program,
        schema_version,
        store_id,
        commits,
        aware_utc(taken_at),
        MappingProxyType(content["rows"]),
        MappingProxyType(content["records"]),
        tuple(content["sources"]),
    )


def drop_manifest(connection: duckdb.DuckDBPyConnection) -> None:
    """Removes the manifest, because the database becomes a store in use. Raises duckdb.Error."""
    connection.execute("DROP TABLE IF EXISTS backup_manifest")


def _count(connection: duckdb.DuckDBPyConnection, table: str, *conditions: str) -> int:
    from sqlglot import exp

    statement = exp.select("count(*)").from_(exp.table_(table, quoted=True)).where(*conditions)
    ((count,),) = connection.execute(statement.sql("duckdb")).fetchall()
    return int(count)


def _sources(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    from sqlglot import exp

    statement = exp.select("source").distinct().from_(exp.table_(table, quoted=True))
    return [source for (source,) in connection.execute(statement.sql("duckdb")).fetchall()]
