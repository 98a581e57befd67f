"""Tables of the store, derived from the entities, and the version of their shape.

Each entity is one table without a key: `source`, `id`, `updated_at`, `deleted`, `attributes` (JSON text), then
the entity's own columns. Instants are naive TIMESTAMPs in UTC. A deleted record stays as a tombstone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from exporter.records import ENTITIES, Kind, columns

SCHEMA_VERSION = 1

SQL_TYPES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.TEXT: "VARCHAR",
        Kind.NUMBER: "DOUBLE",
        Kind.MONEY: "DECIMAL(24,6)",
        Kind.SECONDS: "DOUBLE",
        Kind.INSTANT: "TIMESTAMP",
        Kind.FLAG: "BOOLEAN",
    }
)

COMMON: tuple[tuple[str, str], ...] = (
    ("source", "VARCHAR"),
    ("id", "VARCHAR"),
    ("updated_at", "TIMESTAMP"),
    ("deleted", "BOOLEAN"),
    ("attributes", "VARCHAR"),
)

_OWN_NAMES = ("store_meta", "pages", "passes", "outcomes", "entity_state", "snapshots")
_OWN_TABLES = (
    """CREATE TABLE store_meta (
        application VARCHAR, store_id VARCHAR, schema_version INTEGER, shape VARCHAR, commits BIGINT)""",
    # a staged page is one row: its records as columnar JSON, beside the token that continues after it
    """CREATE TABLE pages (
        source VARCHAR, entity VARCHAR, whole BOOLEAN, page BIGINT, visiting BOOLEAN, records INTEGER,
        resume VARCHAR, present VARCHAR, payload VARCHAR)""",
    """CREATE TABLE passes (
        source VARCHAR, entity VARCHAR, whole BOOLEAN, started_at TIMESTAMP, resumed_at TIMESTAMP,
        base VARCHAR, fingerprint VARCHAR)""",
    """CREATE TABLE outcomes (
        source VARCHAR, entity VARCHAR, fingerprint VARCHAR, cursor VARCHAR, last_success TIMESTAMP,
        last_full TIMESTAMP, watermark TIMESTAMP, failures INTEGER, reason VARCHAR, failed_at TIMESTAMP,
        retry_at TIMESTAMP, seconds DOUBLE)""",
    "CREATE TABLE entity_state (entity VARCHAR, version BIGINT, late BIGINT)",
    "CREATE TABLE snapshots (taken_at TIMESTAMP, snapshot BLOB, memory BLOB)",
)


def table_columns(entity: str) -> tuple[tuple[str, str], ...]:
    """(name, SQL type) of every column of the entity's table, in order."""
    return COMMON + tuple((c.name, SQL_TYPES[c.kind]) for c in columns(entity))


def entity_tables() -> tuple[str, ...]:
    """The entities' tables; a table is named like its entity."""
    return tuple(ENTITIES)


def time_column(entity: str) -> str | None:
    """The instant by which the table is kept in order: the entity's first; None for people."""
    return next((c.name for c in columns(entity) if c.kind is Kind.INSTANT), None)


def create_statements() -> tuple[str, ...]:
    """The statements that build an empty store."""
    return _OWN_TABLES + tuple(_create(entity) for entity in entity_tables())


def reading_statements() -> tuple[str, ...]:
    """Statements that read every block of every table, each giving one row."""
    from sqlglot import exp, parse_one  # a store that is as it was left is opened without

    tables = [exp.to_table(name) for name in (*_OWN_NAMES, *entity_tables())]
    every = parse_one("bit_xor(hash(COLUMNS(*)))", read="duckdb")
    return tuple(exp.select(every).from_(table).sql("duckdb", identify=True) for table in tables)


def shape() -> str:
    """A digest of all tables: two programs with the same digest can read each other's file."""
    tables = _OWN_TABLES + tuple(repr((entity, table_columns(entity))) for entity in entity_tables())
    return hashlib.sha256("\n".join(tables).encode()).hexdigest()[:16]


def _create(entity: str) -> str:
    from sqlglot import exp  # only where there is no store yet

    definitions = [
        exp.ColumnDef(this=exp.to_identifier(name), kind=exp.DataType.build(kind, dialect="duckdb"))
        for name, kind in table_columns(entity)
    ]
    table = exp.Schema(this=exp.to_table(entity), expressions=definitions)
    return exp.Create(this=table, kind="TABLE").sql("duckdb", identify=True)
