"""The store's tables, derived from the entities, and the schema version.

Each entity has one table of the same name, without a key: `source`, `id`, `updated_at`, `deleted`, `attributes`
(JSON text), then the entity's own columns. Instants are naive TIMESTAMPs in UTC. A deleted record stays as a tombstone.

Each row also tells since when it holds, on two clocks: `valid_from` (since when the record has been so, NULL for
always) and `known_from` (since when this store has known it, NULL for always). A table `<entity>_versions` has the rows
that were superseded, with the ends of both spans.

The ledger has the final results of periods: `seals`, the `restatements` of later, and the last look at each period.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from exporter.records import ENTITIES, ColumnKind, columns

SCHEMA_VERSION = 8
"""The number of the shape of the tables below; `migrations` has the earlier shapes."""

SQL_TYPES: Mapping[ColumnKind, str] = MappingProxyType(
    {
        ColumnKind.TEXT: "VARCHAR",
        ColumnKind.NUMBER: "DOUBLE",
        ColumnKind.MONEY: "DECIMAL(24,6)",
        ColumnKind.SECONDS: "DOUBLE",
        ColumnKind.INSTANT: "TIMESTAMP",
        ColumnKind.FLAG: "BOOLEAN",
    }
)

COMMON_COLUMNS: tuple[tuple[str, str], ...] = (
    ("source", "VARCHAR"),
    ("id", "VARCHAR"),
    ("updated_at", "TIMESTAMP"),
    ("deleted", "BOOLEAN"),
    ("attributes", "VARCHAR"),
)

SPAN_STARTS: tuple[tuple[str, str], ...] = (("valid_from", "TIMESTAMP"), ("known_from", "TIMESTAMP"))
SPAN_ENDS: tuple[tuple[str, str], ...] = (("valid_until", "TIMESTAMP"), ("known_until", "TIMESTAMP"))

_STATE_TABLES = (
    """CREATE TABLE store_meta (
        application VARCHAR, store_id VARCHAR, schema_version INTEGER, shape VARCHAR, commits BIGINT)""",
    # a staged page is one row: its records as columnar JSON, the token that resumes after it, and how many of its
    # rejected rows have no id
    """CREATE TABLE pages (
        source VARCHAR, entity VARCHAR, whole BOOLEAN, page BIGINT, visiting BOOLEAN, records INTEGER,
        resume VARCHAR, present VARCHAR, payload VARCHAR, unnamed INTEGER)""",
    """CREATE TABLE passes (
        source VARCHAR, entity VARCHAR, whole BOOLEAN, started_at TIMESTAMP, resumed_at TIMESTAMP,
        base VARCHAR, fingerprint VARCHAR)""",
    """CREATE TABLE outcomes (
        source VARCHAR, entity VARCHAR, fingerprint VARCHAR, cursor VARCHAR, last_success TIMESTAMP,
        last_full TIMESTAMP, watermark TIMESTAMP, failures INTEGER, reason VARCHAR, failed_at TIMESTAMP,
        retry_at TIMESTAMP, seconds DOUBLE)""",
    "CREATE TABLE entity_state (entity VARCHAR, version BIGINT, late BIGINT)",
    "CREATE TABLE snapshots (taken_at TIMESTAMP, snapshot BLOB, memory BLOB)",
    # a rejected record is one row; the rejected rows whose id is unknown are one row without an id
    "CREATE TABLE rejects (source VARCHAR, entity VARCHAR, id VARCHAR, records BIGINT)",
    # each time that this store took the place of a damaged one, and when an operator accepted what was lost with it
    "CREATE TABLE rebuilds (rebuilt_at TIMESTAMP, moved_to VARCHAR, cause VARCHAR, accepted_at TIMESTAMP)",
    # records of removed push sources: each row of a table, its `origin`, as one JSON text
    "CREATE TABLE set_aside (source VARCHAR, entity VARCHAR, origin VARCHAR, removed_at TIMESTAMP, record VARCHAR)",
    # what forgotten persons were known by, as keyed digests, and what they are called instead
    "CREATE TABLE forgotten_names (digest VARCHAR, token VARCHAR)",
    "CREATE TABLE digest_key (key VARCHAR)",
)


_RESULT_OF = (
    ("kpi", "VARCHAR"),
    ("scope", "VARCHAR"),
    ("team", "VARCHAR"),
    ("person", "VARCHAR"),
    ("period", "VARCHAR"),
)
_DIGESTS = (("definition_digest", "VARCHAR"), ("target_digest", "VARCHAR"))

LEDGER_TABLES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "seals": (
            *_RESULT_OF,
            ("period_start", "TIMESTAMP"),
            ("period_end", "TIMESTAMP"),
            ("value", "DOUBLE"),
            ("target", "DOUBLE"),
            ("target_ratio", "DOUBLE"),
            ("status", "VARCHAR"),
            ("coverage", "DOUBLE"),
            *_DIGESTS,
            ("watermark", "TIMESTAMP"),
            ("sealed_at", "TIMESTAMP"),
        ),
        "restatements": (
            *_RESULT_OF,
            ("period_start", "TIMESTAMP"),
            ("previous_value", "DOUBLE"),
            ("value", "DOUBLE"),
            ("previous_target", "DOUBLE"),
            ("target", "DOUBLE"),
            ("previous_target_ratio", "DOUBLE"),
            ("target_ratio", "DOUBLE"),
            ("previous_status", "VARCHAR"),
            ("status", "VARCHAR"),
            ("cause", "VARCHAR"),
            ("restated_at", "TIMESTAMP"),
        ),
        "period_looks": (
            ("kpi", "VARCHAR"),
            ("period", "VARCHAR"),
            ("period_start", "TIMESTAMP"),
            ("period_end", "TIMESTAMP"),
            *_DIGESTS,
            ("commits", "BIGINT"),
            ("known_until", "TIMESTAMP"),
            ("looked_at", "TIMESTAMP"),
        ),
    }
)
"""The columns, as (name, SQL type), of the tables of the ledger."""


def table_columns(entity: str) -> tuple[tuple[str, str], ...]:
    """(name, SQL type) of each column of a record of the entity, in order; `source` is the first."""
    return COMMON_COLUMNS + tuple((c.name, SQL_TYPES[c.kind]) for c in columns(entity))


def versions_table(entity: str) -> str:
    """The table of the entity's superseded versions."""
    return f"{entity}_versions"


def entity_tables(entity: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """The columns, as (name, SQL type), of the entity's table and of the table of its superseded versions."""
    current = table_columns(entity) + SPAN_STARTS
    return {entity: current, versions_table(entity): current + SPAN_ENDS}


def create_statements() -> tuple[str, ...]:
    """The statements that create an empty store."""
    tables = [create_table(*table) for entity in ENTITIES for table in entity_tables(entity).items()]
    return (*_STATE_TABLES, *(create_table(*table) for table in LEDGER_TABLES.items()), *tables)


def create_table(name: str, definitions: Iterable[tuple[str, str]]) -> str:
    """The statement that creates a table with columns given as (name, SQL type)."""
    from sqlglot import exp  # only for a new store: importing sqlglot would slow every start

    column_definitions = [
        exp.ColumnDef(this=exp.to_identifier(column), kind=exp.DataType.build(sql_type, dialect="duckdb"))
        for column, sql_type in definitions
    ]
    table = exp.Schema(this=exp.to_table(name), expressions=column_definitions)
    return exp.Create(this=table, kind="TABLE").sql("duckdb", identify=True)


def checksum_statement(table: str) -> str:
    """A statement that reads every block of the table and returns one row."""
    from sqlglot import exp, parse_one  # only for a file that changed since it was closed

    checksum = parse_one("bit_xor(hash(COLUMNS(*)))", read="duckdb")
    return exp.select(checksum).from_(exp.to_table(table)).sql("duckdb", identify=True)


def schema_digest() -> str:
    """A digest of all tables: programs with the same digest can read each other's files."""
    tables = _STATE_TABLES + tuple(repr((entity, entity_tables(entity))) for entity in ENTITIES)
    tables += tuple(map(repr, LEDGER_TABLES.items()))
    return hashlib.sha256("\n".join(tables).encode()).hexdigest()[:16]
