"""The shapes that the tables of a store had, and the numbered steps that lead from each shape to the next.

Shapes are numbered in the order in which they were written; since 7, the number of a shape is the schema version in the
file. To change the schema: raise SCHEMA_VERSION, append the digest of the former shape to EARLIER_SHAPES and a step to
`_STEPS`, and record a store of the former shape for the tests. A step is text that later changes of the schema leave
alone: it must not be derived from the entities, which have other columns by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import duckdb

from exporter.store.schema import SCHEMA_VERSION, schema_digest


class Shape(NamedTuple):
    """How a file names the shape of its tables: by a version, which several shapes may share, and by their digest."""

    version: int
    digest: str


EARLIER_SHAPES = (
    Shape(1, "83f5b6d54a11ea5c"),
    Shape(1, "1f0a7ff9ca6551cc"),
    Shape(2, "daaf414699fedde1"),
    Shape(2, "a546345b8fecb465"),
    Shape(2, "241464f389414457"),
    Shape(2, "396cfe594a02f3ae"),
    Shape(7, "454aea32869fffaa"),
)
"""Every earlier shape, from number 1 on."""


def shape_number(shape: Shape) -> int | None:
    """The number of the shape; None if no version of this program up to this one wrote it."""
    if shape == Shape(SCHEMA_VERSION, schema_digest()):
        return SCHEMA_VERSION
    return EARLIER_SHAPES.index(shape) + 1 if shape in EARLIER_SHAPES else None


def migrate(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """Brings a store from the shape with this number to the current one, in one transaction. Raises duckdb.Error."""
    connection.execute("BEGIN TRANSACTION")
    try:
        for step in _STEPS[number - 1 :]:
            for statement in step():
                connection.execute(statement)
        connection.execute("UPDATE store_meta SET schema_version = ?, shape = ?", [SCHEMA_VERSION, schema_digest()])
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # on a full disk DuckDB has already rolled back
            connection.execute("ROLLBACK")
        raise


_ENTITIES = (
    "deals", "leads", "activities", "calls", "tickets", "surveys", "invoices", "payments", "subscriptions", "people",
    "measurements",
)  # fmt: skip
"""The entities of the shapes 1 to 8."""


def _to_2() -> Iterator[str]:
    """The same tables: only their digest is taken in another way."""
    yield from ()


def _to_3() -> Iterator[str]:
    """Rows tell since when they hold, always if they are from before. Superseded versions have tables of their own."""
    for entity in _ENTITIES:
        yield f"ALTER TABLE {entity} ADD COLUMN valid_from TIMESTAMP"
        yield f"ALTER TABLE {entity} ADD COLUMN known_from TIMESTAMP"
        yield f"""
            CREATE TABLE {entity}_versions AS
            SELECT *, NULL::TIMESTAMP AS valid_until, NULL::TIMESTAMP AS known_until FROM {entity} LIMIT 0"""  # noqa: S608


def _to_4() -> Iterator[str]:
    """A ledger."""
    result_of = "kpi VARCHAR, scope VARCHAR, team VARCHAR, person VARCHAR, period VARCHAR, period_start TIMESTAMP"
    yield f"""
        CREATE TABLE seals ({result_of}, period_end TIMESTAMP, value DOUBLE, target DOUBLE, target_ratio DOUBLE,
            status VARCHAR, coverage DOUBLE, definition_digest VARCHAR, target_digest VARCHAR, watermark TIMESTAMP,
            sealed_at TIMESTAMP)"""
    yield f"""
        CREATE TABLE restatements ({result_of}, previous_value DOUBLE, value DOUBLE, previous_target DOUBLE,
            target DOUBLE, previous_target_ratio DOUBLE, target_ratio DOUBLE, previous_status VARCHAR, status VARCHAR,
            cause VARCHAR, restated_at TIMESTAMP)"""
    yield """
        CREATE TABLE period_looks (kpi VARCHAR, period VARCHAR, definition_digest VARCHAR, target_digest VARCHAR,
            commits BIGINT, known_until TIMESTAMP, looked_at TIMESTAMP)"""


def _to_5() -> Iterator[str]:
    """Rejected records are counted from now on."""
    yield "ALTER TABLE pages ADD COLUMN unnamed INTEGER"
    yield "CREATE TABLE rejects (source VARCHAR, entity VARCHAR, id VARCHAR, records BIGINT)"


def _to_6() -> Iterator[str]:
    """A look has the bounds of its period, which are those of the period's seals."""
    yield "ALTER TABLE period_looks RENAME TO unbounded_looks"
    yield """
        CREATE TABLE period_looks (kpi VARCHAR, period VARCHAR, period_start TIMESTAMP, period_end TIMESTAMP,
            definition_digest VARCHAR, target_digest VARCHAR, commits BIGINT, known_until TIMESTAMP,
            looked_at TIMESTAMP)"""
    yield """
        INSERT INTO period_looks BY NAME
        SELECT * FROM unbounded_looks
        JOIN (SELECT kpi, period, min(period_start) AS period_start, min(period_end) AS period_end FROM seals
            GROUP BY kpi, period) USING (kpi, period)"""
    yield "DROP TABLE unbounded_looks"


def _to_7() -> Iterator[str]:
    """A store tells whether it took the place of a damaged one."""
    yield "CREATE TABLE rebuilds (rebuilt_at TIMESTAMP, moved_to VARCHAR, cause VARCHAR, accepted_at TIMESTAMP)"


def _to_8() -> Iterator[str]:
    """Records of removed push sources are set aside, and persons can be forgotten."""
    yield """
        CREATE TABLE set_aside (source VARCHAR, entity VARCHAR, origin VARCHAR, removed_at TIMESTAMP, record VARCHAR)"""
    yield "CREATE TABLE forgotten_names (digest VARCHAR, token VARCHAR)"
    yield "CREATE TABLE digest_key (key VARCHAR)"


_STEPS: tuple[Callable[[], Iterator[str]], ...] = (_to_2, _to_3, _to_4, _to_5, _to_6, _to_7, _to_8)
"""The statements that lead from each earlier shape to the next."""
