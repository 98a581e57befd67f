"""The SELECT statements of the sql provider, as syntax trees: keyset pagination over a table or query of the config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from exporter.config.sources.sql import SqlEntity
from exporter.errors import Reason, SourceRejectedError

DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite", "duckdb": "duckdb"}

_ROWS = "kpi_rows"
_PLACEHOLDER = "kpi_parameter_{}_"


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """A SELECT and its bound values, in the order of the placeholders."""

    sql: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class RowKey:
    """The sort key of a row: the value of its change column (None in a full pass) and its id."""

    updated: object | None
    id: object


class EntitySelection:
    """The statements that read one entity of one engine.

    Raises SourceRejectedError(SCHEMA) if the query of the config is not a single SELECT.
    """

    def __init__(self, entity: SqlEntity, engine: str) -> None:
        self._entity = entity
        self._engine = engine
        self._rows = self._relation()
        spec = entity.columns["id"]
        if len(spec.fields) != 1:
            raise SourceRejectedError(Reason.SCHEMA, f"{entity.entity}: columns.id must be read from one column")
        self.id = spec.fields[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The selected columns, each once: the key first, then those that the config maps."""
        mapped = [field for spec in self._entity.columns.values() for field in spec.fields]
        extra = [name for name in (self._entity.updated, self._entity.deleted and self._entity.deleted.field) if name]
        return tuple(dict.fromkeys([self.id, *extra, *mapped]))

    def everything(self, after: RowKey | None) -> SqlStatement:
        """All rows in the order of id, or those after a key."""
        where, values = (self._after([self.id]), [after.id]) if after else (None, [])
        return self._select([self.id], where, values)

    def changes(self, since: object, after: RowKey | None) -> SqlStatement:
        """Rows whose change column is at or after `since`, in the order of that column and id, or those after a key."""
        updated = self._entity.updated or self.id
        if after is None:
            return self._select([updated, self.id], exp.GTE(this=_column(updated), expression=self._value(0)), [since])
        where = self._after([updated, self.id])
        return self._select([updated, self.id], where, [after.updated, after.updated, after.id])

    def one_row(self) -> SqlStatement:
        """At most one row, to check the permission to read."""
        return SqlStatement(self._rendered(self._selected().limit(1)), ())

    def _relation(self) -> exp.Expression:
        dialect = DIALECTS[self._engine]
        if self._entity.table is not None:
            name, schema, catalog, *_ = [*reversed(self._entity.table.split(".")), None, None]
            return exp.table_(name or "", db=schema, catalog=catalog, quoted=True, alias=_ROWS)
        try:
            trees = sqlglot.parse(self._entity.query or "", dialect=dialect)
        except SqlglotError:
            trees = []
        if len(trees) != 1 or not isinstance(trees[0], exp.Query):
            raise SourceRejectedError(Reason.SCHEMA, f"{self._entity.entity}: the query must be one SELECT")
        return trees[0].subquery(_ROWS)

    def _selected(self) -> exp.Select:
        return exp.select(*(_column(name) for name in self.names)).from_(self._rows.copy())

    def _select(self, order: Sequence[str], where: exp.Condition | None, values: list[object]) -> SqlStatement:
        tree = self._selected().order_by(*(_column(name) for name in order))
        if where is not None:
            tree = tree.where(where)
        return SqlStatement(self._rendered(tree), tuple(values))

    def _after(self, order: list[str]) -> exp.Condition:
        """Rows after a key: greater in the first column, or equal there and greater in the second."""
        if len(order) == 1:
            return exp.GT(this=_column(order[0]), expression=self._value(0))
        first, second = map(_column, order)
        same = exp.and_(
            exp.EQ(this=first.copy(), expression=self._value(1)), exp.GT(this=second, expression=self._value(2))
        )
        return exp.or_(exp.GT(this=first, expression=self._value(0)), same)

    def _value(self, index: int) -> exp.Expression:
        return exp.Var(this=_PLACEHOLDER.format(index))

    def _rendered(self, tree: exp.Select) -> str:
        """The text with the driver's placeholders: $1 for PostgreSQL, %s for MySQL, otherwise ?."""
        text = tree.sql(dialect=DIALECTS[self._engine])
        if self._engine == "mysql":
            text = text.replace("%", "%%")
        for index in range(3):
            placeholder = {"postgresql": f"${index + 1}", "mysql": "%s"}.get(self._engine, "?")
            text = text.replace(_PLACEHOLDER.format(index), placeholder)
        return text


def _column(name: str) -> exp.Column:
    return exp.column(name, table=_ROWS, quoted=True)
