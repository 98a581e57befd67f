"""Tables of the store, derived from the entities, and the version of their shape.

Each entity is one table without a key: `source`, `id`, `updated_at`, `deleted`, `attributes` (JSON text), then
the entity's own columns. Instants are naive TIMESTAMPs in UTC. A deleted record stays as a tombstone.
"""

from __future__ import annotations

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


def table_columns(entity: str) -> tuple[tuple[str, str], ...]:
    """(name, SQL type) of every column of the entity's table, in order."""
    return COMMON + tuple((c.name, SQL_TYPES[c.kind]) for c in columns(entity))


def entity_tables() -> tuple[str, ...]:
    """The entities' tables; a table is named like its entity."""
    return tuple(ENTITIES)
