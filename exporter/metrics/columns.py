"""Columns of an entity as typed SQL expressions, and a metric's `where` as one SQL condition.

Functions here raise LookupError with a message for people if a column or value makes no sense. In conditions, an
empty column (NULL or empty text) equals no value, satisfies no comparison and matches no pattern; `not` therefore
keeps rows whose column is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlglot import exp

from exporter.config.metrics import Condition, Filter, span_of
from exporter.metrics.values import stored
from exporter.records import ENTITIES, ColumnKind, column

ROW = "r"
"""Alias of the entity's table in every query."""

_ATTRIBUTES = "attributes."
_MAX_NUMBER = 10**15
_COMMON: Mapping[str, ColumnKind] = {"source": ColumnKind.TEXT, "id": ColumnKind.TEXT, "updated_at": ColumnKind.INSTANT}
_NUMERIC = (ColumnKind.NUMBER, ColumnKind.SECONDS, ColumnKind.MONEY)

_FilterValue = str | bool | float

_COMPARISONS: Mapping[str, type[exp.Binary]] = {"gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE}


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

    def number(self) -> exp.Expr:
        """As a number. Attributes are text: NULL if one is not a number or exceeds 1e15."""
        if self.kind in _NUMERIC:
            return self.tree.copy()
        if self.kind is ColumnKind.FLAG:
            return exp.cast(self.tree.copy(), "INT")
        if self.kind is ColumnKind.TEXT and self.name.startswith(_ATTRIBUTES):
            number = exp.TryCast(this=self.tree.copy(), to=exp.DataType.build("DOUBLE"))
            return exp.Case().when(number.between(-_MAX_NUMBER, _MAX_NUMBER), number.copy())
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


def measured(entity: str, text: str) -> Operand:
    """What a metric aggregates: a column, or the seconds between two of its instants; raises LookupError."""
    span = span_of(text)
    if span is None:
        return operand(entity, text)
    later, earlier = (instant_of(entity, name) for name in span)
    between = exp.Paren(this=exp.Sub(this=later, expression=earlier))
    return Operand(text, exp.Extract(this=exp.var("EPOCH"), expression=between), ColumnKind.SECONDS)


def instant_of(entity: str, name: str) -> exp.Expr:
    """A column of instants; raises LookupError for any other column."""
    field = operand(entity, name)
    if field.kind is not ColumnKind.INSTANT:
        raise LookupError(f"{name} is not a time")
    return field.tree


def literal(field: Operand, value: _FilterValue, zone: ZoneInfo) -> exp.Expr:
    """A value of the config as a constant of the column's kind; raises LookupError if it cannot be one."""
    try:
        return _LITERALS[field.kind](value, zone)
    except ValueError:
        raise LookupError(f"{field.name} has the type {field.kind.value}, which {value!r} is not") from None


def number_literal(value: float) -> exp.Expr:
    """A number, written without an exponent, which some dialects do not accept."""
    return exp.Literal.number(format(Decimal(repr(value)), "f") if value % 1 else str(int(value)))


def _as_text(value: _FilterValue, _: ZoneInfo) -> exp.Expr:
    if isinstance(value, bool):
        return exp.Literal.string("true" if value else "false")
    if isinstance(value, float) and not value % 1:
        return exp.Literal.string(str(int(value)))
    return exp.Literal.string(str(value))


def _as_number(value: _FilterValue, _: ZoneInfo) -> exp.Expr:
    if isinstance(value, bool):
        raise ValueError
    number = float(value)
    if not abs(number) <= _MAX_NUMBER:
        raise ValueError
    return number_literal(number)


def _as_flag(value: _FilterValue, _: ZoneInfo) -> exp.Expr:
    flags: dict[_FilterValue, bool] = {True: True, False: False, "true": True, "false": False}
    if value not in flags:
        raise ValueError
    return exp.Boolean(this=flags[value])


def _as_instant(value: _FilterValue, zone: ZoneInfo) -> exp.Expr:
    if isinstance(value, bool):
        raise ValueError
    at = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    return timestamp_literal(at if at.tzinfo else at.replace(tzinfo=zone))


def timestamp_literal(instant: datetime) -> exp.Expr:
    """An aware instant as a constant."""
    return exp.cast(exp.Literal.string(stored(instant).isoformat(sep=" ")), "TIMESTAMP")


_LITERALS: Mapping[ColumnKind, Callable[[_FilterValue, ZoneInfo], exp.Expr]] = {
    ColumnKind.TEXT: _as_text,
    ColumnKind.NUMBER: _as_number,
    ColumnKind.SECONDS: _as_number,
    ColumnKind.MONEY: _as_number,
    ColumnKind.FLAG: _as_flag,
    ColumnKind.INSTANT: _as_instant,
}


def condition(entity: str, where: Mapping[str, Filter], zone: ZoneInfo) -> exp.Expr | None:
    """All of `where` as one condition, None if it is empty; raises LookupError for what makes no sense."""
    tests = [test for name, filter_ in where.items() for test in _tests(operand(entity, name), filter_, zone)]
    return exp.and_(*tests) if tests else None


def _tests(field: Operand, filter_: Filter, zone: ZoneInfo) -> Iterator[exp.Expr]:
    if not isinstance(filter_, Condition):
        yield _one_of(field, filter_, zone)
        return
    for name, compare in _COMPARISONS.items():
        bound = getattr(filter_, name)
        if bound is not None:
            is_instant = field.kind is ColumnKind.INSTANT
            column_value = field.tree.copy() if is_instant else field.number()
            yield compare(
                this=column_value, expression=literal(field, bound, zone) if is_instant else number_literal(bound)
            )
    is_empty = (field.text() if field.kind is ColumnKind.TEXT else field.tree.copy()).is_(exp.null())
    if filter_.is_not is not None:
        yield exp.or_(is_empty.copy(), exp.not_(_one_of(field, filter_.is_not, zone)))
    if filter_.present is not None:
        yield exp.not_(is_empty) if filter_.present else is_empty
    if filter_.matches is not None:
        yield exp.RegexpLike(this=field.text(), expression=exp.Literal.string(filter_.matches))


def _one_of(field: Operand, values: _FilterValue | tuple[_FilterValue, ...], zone: ZoneInfo) -> exp.Expr:
    literals = [literal(field, value, zone) for value in (values if isinstance(values, tuple) else (values,))]
    if len(literals) == 1:
        return exp.EQ(this=field.tree.copy(), expression=literals[0])
    return exp.In(this=field.tree.copy(), expressions=literals)
