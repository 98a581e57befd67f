"""Columns of an entity as typed SQL expressions, as they are stored.

Functions here raise LookupError with a message for people if a column makes no sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlglot import exp

from exporter.metrics.values import stored
from exporter.records import ENTITIES, ColumnKind, column

ROW = "r"
"""Alias of the entity's table in every query."""

START, END = "start", "end"
"""Parameters for the bounds of the window."""

_ATTRIBUTES = "attributes."
MAX_NUMBER = 10**15
"""Attributes beyond are not read as numbers, and values of the config beyond are not accepted."""

_COMMON: Mapping[str, ColumnKind] = {"source": ColumnKind.TEXT, "id": ColumnKind.TEXT, "updated_at": ColumnKind.INSTANT}
_NUMERIC = (ColumnKind.NUMBER, ColumnKind.SECONDS, ColumnKind.MONEY)


@dataclass(frozen=True, slots=True)
class QueryContext:
    """The settings of the company that decide how values are read.

    `home` is the currency of every amount, `converts` says whether rates for others are known, `zone` is the time
    zone of instants written without an offset.
    """

    home: str
    converts: bool
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Operand:
    """A column of a row. Copy `tree` wherever it is used twice."""

    name: str
    tree: exp.Expr
    kind: ColumnKind

    def text(self) -> exp.Expr:
        """As text, NULL if the column is empty."""
        if self.kind is not ColumnKind.TEXT:
            return exp.cast(self.tree.copy(), "VARCHAR")
        return exp.Nullif(this=self.tree.copy(), expression=exp.Literal.string(""))

    def is_empty(self) -> exp.Expr:
        """True if the column is empty."""
        return (self.text() if self.kind is ColumnKind.TEXT else self.tree.copy()).is_(exp.null())

    def number(self) -> exp.Expr:
        """As a number. Attributes are text: NULL if one is not a number or exceeds 1e15."""
        if self.kind in _NUMERIC:
            return self.tree.copy()
        if self.kind is ColumnKind.FLAG:
            return exp.cast(self.tree.copy(), "INT")
        if self.kind is ColumnKind.TEXT and self.name.startswith(_ATTRIBUTES):
            number = exp.TryCast(this=self.tree.copy(), to=exp.DataType.build("DOUBLE"))
            return exp.Case().when(number.between(-MAX_NUMBER, MAX_NUMBER), number.copy())
        raise LookupError(f"{self.name} is not a number")


def operand(entity: str, name: str) -> Operand:
    """The column of that name; raises LookupError if the entity has none."""
    if entity not in ENTITIES:
        raise LookupError(f"there is no entity {entity}")
    if name.startswith(_ATTRIBUTES):
        key = name.removeprefix(_ATTRIBUTES)
        if not key or key == "*" or "\\" in key:
            raise LookupError(f"{key!r} is not a valid name of an attribute")
        path = exp.JSONPath(expressions=[exp.JSONPathRoot(), exp.JSONPathKey(this=key)])
        tree = exp.JSONExtractScalar(this=exp.column("attributes", ROW), expression=path)
        return Operand(name, tree, ColumnKind.TEXT)
    entity_column = column(entity, name)
    kind = entity_column.kind if entity_column else _COMMON.get(name)
    if kind is None:
        raise LookupError(f"{entity} has no column {name}")
    return Operand(name, exp.column(name, ROW), kind)


def instant_of(entity: str, name: str) -> exp.Expr:
    """A column of instants; raises LookupError for any other column."""
    field = operand(entity, name)
    if field.kind is not ColumnKind.INSTANT:
        raise LookupError(f"{name} is not a time")
    return field.tree


def timestamp_literal(instant: datetime) -> exp.Expr:
    """An aware instant as a constant."""
    return exp.cast(exp.Literal.string(stored(instant).isoformat(sep=" ")), "TIMESTAMP")
