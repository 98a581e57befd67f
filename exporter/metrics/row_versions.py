"""Rows as they were: columns that are state come from the version of the record that was valid at an instant.

Everything else is read from the current row: facts, what instants imply, and whether the record is deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.state_columns import grouping_columns, state_columns
from exporter.metrics.columns import ROW
from exporter.metrics.connection import Reader
from exporter.records import FIXED_ATTRIBUTES, ColumnHistory, columns
from exporter.store.schema import table_columns, versions_table

VALID_FROM, VALID_UNTIL = "valid_from", "valid_until"
"""The span in which a version of a row was valid; NULL for always."""


def reads_state(metric: Metric, scope: Scope = Scope.COMPANY) -> bool:
    """True if `where`, `by`, the measured column or the owner at a scope is a column whose past only versions tell."""
    return bool(state_columns(metric) or grouping_columns(metric, (scope,), people=False))


def all_versions(entity: str) -> exp.Subquery:
    """Every version of every row of an entity that was ever valid, with the span in which it was."""
    current, version = "c", "v"
    names = [name for name, _ in table_columns(entity)]
    endless = exp.alias_(exp.cast(exp.null(), "TIMESTAMP"), VALID_UNTIL, quoted=True)
    latest = exp.select(*map(exp.column, names), exp.column(VALID_FROM), endless).from_(exp.to_table(entity))
    state = _state_columns(entity)
    read = [exp.column(name, version if name in state else current) for name in names]
    spans = [exp.column(name, version) for name in (VALID_FROM, VALID_UNTIL)]
    same = [exp.column(name, version).eq(exp.column(name, current)) for name in ("source", "id")]
    earlier = exp.select(*read, *spans).from_(exp.to_table(versions_table(entity)).as_(version))
    earlier = earlier.join(exp.to_table(entity).as_(current), on=exp.and_(*same)).where(_not_empty(version))
    return exp.union(latest, earlier, distinct=False).subquery(ROW)


def valid_at(instant: exp.Expr) -> list[exp.Expr]:
    """Conditions that choose the versions of rows that were valid at an instant."""
    since, until = exp.column(VALID_FROM, ROW), exp.column(VALID_UNTIL, ROW)
    return [
        exp.or_(since.is_(exp.null()), exp.LTE(this=since.copy(), expression=instant.copy())),
        exp.or_(until.is_(exp.null()), exp.GT(this=until.copy(), expression=instant.copy())),
    ]


def newest_state(reader: Reader, entity: str) -> datetime | None:
    """The last instant at which a row of the entity became what it is; None if no row ever changed. Raises QueryError.

    From then on the current rows are right.
    """
    row = reader.execute(_newest(entity)).fetchone()
    return row[0].replace(tzinfo=UTC) if row and row[0] is not None else None


@cache
def _newest(entity: str) -> str:
    query = exp.select(exp.Max(this=exp.column(VALID_FROM))).from_(exp.to_table(entity))
    return query.sql(dialect="duckdb", identify=True)


def _state_columns(entity: str) -> frozenset[str]:
    state = {c.name for c in columns(entity) if c.history is ColumnHistory.STATE}
    return frozenset(state if entity in FIXED_ATTRIBUTES else state | {"attributes"})


def _not_empty(table: str) -> exp.Expr:
    since, until = exp.column(VALID_FROM, table), exp.column(VALID_UNTIL, table)
    earliest = exp.cast(exp.Literal.string("0001-01-01"), "TIMESTAMP")
    return exp.GT(this=until, expression=exp.Coalesce(this=since, expressions=[earliest]))
