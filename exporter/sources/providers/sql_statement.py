"""The SELECTs of the sql provider as syntax trees: key set pages over a table or a query of the config."""

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
_MARK = "kpi_parameter_{}_"


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT with its bound values, in the order of its placeholders."""

    sql: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A row's place in the order in which rows are read: its change column (None in a full pass) and its id."""

    updated: object | None
    id: object


class Selection:
    """The statements that read one entity of one engine.

    Raises SourceRejectedError(SCHEMA) where the query of the config is not one SELECT.
    """

    def __init__(self, part: SqlEntity, engine: str) -> None:
        self._part = part
        self._engine = engine
        self._rows = self._relation()
        spec = part.columns["id"]
        if len(spec.fields) != 1:
            raise SourceRejectedError(Reason.SCHEMA, f"{part.entity}: columns.id must be read from one column")
        self.id = spec.fields[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are selected, each once: the key first, then what the config maps."""
        mapped = [field for spec in self._part.columns.values() for field in spec.fields]
        extra = [name for name in (self._part.updated, self._part.deleted and self._part.deleted.field) if name]
        return tuple(dict.fromkeys([self.id, *extra, *mapped]))

    def everything(self, after: Key | None) -> Statement:
        """All rows by id, or those behind a key."""
        where, values = (self._beyond([self.id]), [after.id]) if after else (None, [])
        return self._select([self.id], where, values)

    def changes(self, since: object, after: Key | None) -> Statement:
        """Rows whose change column is at or after `since`, by that column and id, or those behind a key."""
        updated = self._part.updated or self.id
        if after is None:
            return self._select([updated, self.id], exp.GTE(this=_column(updated), expression=self._value(0)), [since])
        where = self._beyond([updated, self.id])
        return self._select([updated, self.id], where, [after.updated, after.updated, after.id])

    def one_row(self) -> Statement:
        """At most one row: enough to learn whether it may be read."""
        return Statement(self._rendered(self._selected().limit(1)), ())

    def _relation(self) -> exp.Expression:
        dialect = DIALECTS[self._engine]
        if self._part.table is not None:
            name, schema, catalog, *_ = [*reversed(self._part.table.split(".")), None, None]
            return exp.table_(name or "", db=schema, catalog=catalog, quoted=True, alias=_ROWS)
        try:
            trees = sqlglot.parse(self._part.query or "", dialect=dialect)
        except SqlglotError:
            trees = []
        if len(trees) != 1 or not isinstance(trees[0], exp.Query):
            raise SourceRejectedError(Reason.SCHEMA, f"{self._part.entity}: the query must be one SELECT")
        return trees[0].subquery(_ROWS)

    def _selected(self) -> exp.Select:
        return exp.select(*(_column(name) for name in self.names)).from_(self._rows.copy())

    def _select(self, order: Sequence[str], where: exp.Condition | None, values: list[object]) -> Statement:
        tree = self._selected().order_by(*(_column(name) for name in order))
        if where is not None:
            tree = tree.where(where)
        return Statement(self._rendered(tree), tuple(values))

    def _beyond(self, order: list[str]) -> exp.Condition:
        """Rows behind a key: later in the first column, or equal there and later in the second."""
        if len(order) == 1:
            return exp.GT(this=_column(order[0]), expression=self._value(0))
        first, second = map(_column, order)
        same = exp.and_(
            exp.EQ(this=first.copy(), expression=self._value(1)), exp.GT(this=second, expression=self._value(2))
        )
        return exp.or_(exp.GT(this=first, expression=self._value(0)), same)

    def _value(self, place: int) -> exp.Expression:
        return exp.Var(this=_MARK.format(place))

    def _rendered(self, tree: exp.Select) -> str:
        """The text in which the driver expects its placeholders: $1 for PostgreSQL, %s for MySQL, else ?."""
        text = tree.sql(dialect=DIALECTS[self._engine])
        if self._engine == "mysql":
            text = text.replace("%", "%%")
        for place in range(3):
            mark = {"postgresql": f"${place + 1}", "mysql": "%s"}.get(self._engine, "?")
            text = text.replace(_MARK.format(place), mark)
        return text


def _column(name: str) -> exp.Column:
    return exp.column(name, table=_ROWS, quoted=True)
