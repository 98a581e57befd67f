"""Columns of an entity as SQL expressions that know what they hold.

Functions here raise LookupError with a text for people where a column or value makes no sense.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlglot import exp

from exporter.config.metrics import span_of
from exporter.metrics.instants import stored
from exporter.records import ENTITIES, Kind, column

ROW = "r"
"""Alias of the entity's table in every query."""

_ATTRIBUTES = "attributes."
_LARGEST = 10**15
_COMMON: Mapping[str, Kind] = {"source": Kind.TEXT, "id": Kind.TEXT, "updated_at": Kind.INSTANT}
_NUMERIC = (Kind.NUMBER, Kind.SECONDS, Kind.MONEY)


@dataclass(frozen=True, slots=True)
class Terms:
    """What of the company decides how values are read.

    `home` is the currency of every amount, `converts` says that rates for others are known, `zone` is
    where instants written without an offset are local.
    """

    home: str
    converts: bool
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Operand:
    """A column of a row. `tree` must be copied wherever it is used twice."""

    name: str
    tree: exp.Expr
    kind: Kind

    @property
    def is_attribute(self) -> bool:
        """True for attributes.NAME, whose values are text whatever they mean."""
        return self.name.startswith(_ATTRIBUTES)

    def text(self) -> exp.Expr:
        """As text, NULL where the column is empty."""
        if self.kind is not Kind.TEXT:
            return exp.cast(self.tree.copy(), "VARCHAR")
        return exp.Nullif(this=self.tree.copy(), expression=exp.Literal.string(""))

    def number(self) -> exp.Expr:
        """As a number, NULL where it is none. Numbers beyond 1e15 in an attribute are none."""
        if self.kind in _NUMERIC:
            return self.tree.copy()
        if self.kind is Kind.FLAG:
            return exp.cast(self.tree.copy(), "INT")
        if self.kind is Kind.TEXT and self.is_attribute:
            parsed = exp.TryCast(this=self.tree.copy(), to=exp.DataType.build("DOUBLE"))
            return exp.Case().when(parsed.between(-_LARGEST, _LARGEST), parsed.copy())
        raise LookupError(f"{self.name} holds no number")


def operand(entity: str, name: str) -> Operand:
    """The column of that name; raises LookupError where the entity has none."""
    if entity not in ENTITIES:
        raise LookupError(f"there is no entity {entity}")
    if name.startswith(_ATTRIBUTES):
        return Operand(name, _attribute(name.removeprefix(_ATTRIBUTES)), Kind.TEXT)
    known = column(entity, name)
    kind = known.kind if known else _COMMON.get(name)
    if kind is None:
        raise LookupError(f"{entity} has no column {name}")
    return Operand(name, exp.column(name, ROW), kind)


def measured(entity: str, text: str) -> Operand:
    """What a metric aggregates: a column, or the seconds between two of its instants; raises LookupError."""
    span = span_of(text)
    if span is None:
        return operand(entity, text)
    later, earlier = (instant_of(entity, name) for name in span)
    between = exp.Paren(this=exp.Sub(this=later, expression=earlier))
    return Operand(text, exp.Extract(this=exp.var("EPOCH"), expression=between), Kind.SECONDS)


def instant_of(entity: str, name: str) -> exp.Expr:
    """A column that holds instants; raises LookupError where it holds something else."""
    found = operand(entity, name)
    if found.kind is not Kind.INSTANT:
        raise LookupError(f"{name} holds no instant")
    return found.tree


def literal(field: Operand, value: str | bool | float, zone: ZoneInfo) -> exp.Expr:
    """A value of the config as a constant of the column's kind; raises LookupError where it cannot be one."""
    try:
        return _LITERALS[field.kind](value, zone)
    except ValueError:
        raise LookupError(f"{field.name} holds {field.kind.value}: {value!r} is none") from None


def number_literal(value: float) -> exp.Expr:
    """A number, written without an exponent, which some dialects do not read as one."""
    return exp.Literal.number(format(Decimal(repr(value)), "f") if value % 1 else str(int(value)))


def _attribute(name: str) -> exp.Expr:
    if not name or name == "*" or "\\" in name:
        raise LookupError(f"an attribute cannot be called {name!r}")
    path = exp.JSONPath(expressions=[exp.JSONPathRoot(), exp.JSONPathKey(this=name)])
    return exp.JSONExtractScalar(this=exp.column("attributes", ROW), expression=path)


def _as_text(value: str | bool | float, _: ZoneInfo) -> exp.Expr:
    if isinstance(value, bool):
        return exp.Literal.string("true" if value else "false")
    if isinstance(value, float) and not value % 1:
        return exp.Literal.string(str(int(value)))
    return exp.Literal.string(str(value))


def _as_number(value: str | bool | float, _: ZoneInfo) -> exp.Expr:
    if isinstance(value, bool):
        raise ValueError
    number = float(value)
    if not abs(number) <= _LARGEST:
        raise ValueError
    return number_literal(number)


def _as_flag(value: str | bool | float, _: ZoneInfo) -> exp.Expr:
    flags: dict[str | bool | float, bool] = {True: True, False: False, "true": True, "false": False}
    if value not in flags:
        raise ValueError
    return exp.Boolean(this=flags[value])


def _as_instant(value: str | bool | float, zone: ZoneInfo) -> exp.Expr:
    if isinstance(value, bool):
        raise ValueError
    at = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    aware = at if at.tzinfo else at.replace(tzinfo=zone)
    return exp.cast(exp.Literal.string(stored(aware).isoformat(sep=" ")), "TIMESTAMP")


_LITERALS: Mapping[Kind, Callable[[str | bool | float, ZoneInfo], exp.Expr]] = {
    Kind.TEXT: _as_text,
    Kind.NUMBER: _as_number,
    Kind.SECONDS: _as_number,
    Kind.MONEY: _as_number,
    Kind.FLAG: _as_flag,
    Kind.INSTANT: _as_instant,
}
