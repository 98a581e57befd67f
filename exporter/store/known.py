"""What the store knew at a past instant, as temporary tables of one connection that shadow the stored ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import duckdb
from sqlglot import exp

from exporter.records import ENTITIES
from exporter.store.schema import entity_tables, versions_table
from exporter.store.state import aware_utc, naive_utc

_TEMPORARY = exp.Properties(expressions=[exp.TemporaryProperty()])
_IS_KNOWN = "known_from IS NULL OR known_from <= $known"
_OUTCOMES = """
    CREATE TEMPORARY TABLE outcomes AS
    SELECT * REPLACE (least(watermark, $known) AS watermark) FROM outcomes"""


def first_version(connection: duckdb.DuckDBPyConnection, entities: Iterable[str] = ENTITIES) -> datetime | None:
    """The first instant of which the store can tell what it knew of entities; None if it never held their records."""
    known = [exp.select("known_from").from_(name) for entity in entities for name in entity_tables(entity)]
    query = exp.select("min(known_from)").from_(exp.union(*known, distinct=False).subquery("versions"))
    row = connection.execute(query.sql("duckdb", identify=True)).fetchone()
    return aware_utc(row[0]) if row else None


def show_known(connection: duckdb.DuckDBPyConnection, instant: datetime) -> None:
    """Lets the connection's queries see the records, versions and watermarks as they were known at the instant.

    Names mean the temporary tables until the connection is closed. The store must not change meanwhile.
    """
    for entity in ENTITIES:
        # first the entity's table: once the versions are shadowed, the later ones are out of sight
        for name, query in _known(entity).items():
            table = exp.Create(this=exp.to_table(name), kind="TABLE", expression=query, properties=_TEMPORARY.copy())
            connection.execute(table.sql("duckdb", identify=True), {"known": naive_utc(instant)})
    connection.execute(_OUTCOMES, {"known": naive_utc(instant)})


def _known(entity: str) -> Mapping[str, exp.Query]:
    """The rows that the entity's tables had at `$known`."""
    names = [exp.column(name) for name, _ in entity_tables(entity)[entity]]
    versions = versions_table(entity)
    current = exp.select(*names).from_(entity).where(_IS_KNOWN, dialect="duckdb")
    replaced = exp.select(*names).from_(versions).where(_IS_KNOWN, "known_until > $known", dialect="duckdb")
    superseded = exp.select("*").from_(versions).where("known_until <= $known", dialect="duckdb")
    return {entity: exp.union(current, replaced, distinct=False), versions: superseded}
