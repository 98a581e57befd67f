"""A metric's `where` as SQL: which rows count, and of which that is unknown.

Functions here raise LookupError with a message for people if a column or value makes no sense. An empty column (NULL
or empty text) equals no value, satisfies no comparison and matches no pattern; `not` therefore keeps rows whose
column is empty. Money is compared in the company's currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlglot import exp

from exporter.config.metrics import Condition, Filter
from exporter.metrics.as_of import AsOf
from exporter.metrics.columns import MAX_NUMBER, Operand, QueryContext, timestamp_literal
from exporter.metrics.exchange_rates import converted
from exporter.records import ColumnKind

_FilterValue = str | bool | float

_COMPARISONS: Mapping[str, type[exp.Binary]] = {"gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE}


@dataclass(frozen=True, slots=True)
class RowFilter:
    """`keep` is true for the rows that count, `unknown` for those of which it is unknown for want of a rate.

    Each is None if it does not depend on the row.
    """

    keep: exp.Expr | None = None
    unknown: exp.Expr | None = None


def filter_of(where: Mapping[str, Filter], as_of: AsOf, context: QueryContext) -> RowFilter:
    """All of `where` as one filter."""
    certain: list[exp.Expr] = []
    rated: list[tuple[exp.Expr, exp.Expr]] = []
    for name, filter_ in where.items():
        field = as_of.operand(name)
        if field.kind is not ColumnKind.MONEY:
            certain += _tests(field, filter_, context.zone)
            continue
        amount = Operand(name, converted(field.tree, context), field.kind)
        without_rate = exp.and_(exp.not_(field.is_empty()), amount.is_empty())
        rated += ((test, without_rate) for test in _tests(amount, filter_, context.zone, field.is_empty()))
    return RowFilter(_all(certain + [test for test, _ in rated]), _unknown(certain, rated))


def _all(tests: list[exp.Expr]) -> exp.Expr | None:
    return exp.and_(*(test.copy() for test in tests)) if tests else None


def _unknown(certain: list[exp.Expr], rated: list[tuple[exp.Expr, exp.Expr]]) -> exp.Expr | None:
    """True if no test fails, but an amount has no rate."""
    if not rated:
        return None
    passing = [exp.or_(test.copy(), without_rate.copy()) for test, without_rate in rated]
    missing = exp.or_(*dict.fromkeys(without_rate for _, without_rate in rated))
    return exp.and_(*(test.copy() for test in certain), *passing, missing.copy())


def _tests(field: Operand, filter_: Filter, zone: ZoneInfo, is_empty: exp.Expr | None = None) -> Iterator[exp.Expr]:
    """The tests of one column; `is_empty` is the test for an empty column, if it is not that of the operand."""
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
    is_empty = is_empty or field.is_empty()
    if filter_.is_not is not None:
        yield exp.or_(is_empty.copy(), exp.not_(_one_of(field, filter_.is_not, zone)))
    if filter_.present is not None:
        yield exp.not_(is_empty.copy()) if filter_.present else is_empty.copy()
    if filter_.matches is not None:
        yield exp.RegexpLike(this=field.text(), expression=exp.Literal.string(filter_.matches))


def _one_of(field: Operand, values: _FilterValue | tuple[_FilterValue, ...], zone: ZoneInfo) -> exp.Expr:
    literals = [literal(field, value, zone) for value in (values if isinstance(values, tuple) else (values,))]
    if len(literals) == 1:
        return exp.EQ(this=field.tree.copy(), expression=literals[0])
    return exp.In(this=field.tree.copy(), expressions=literals)


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
    if not abs(number) <= MAX_NUMBER:
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


_LITERALS: Mapping[ColumnKind, Callable[[_FilterValue, ZoneInfo], exp.Expr]] = {
    ColumnKind.TEXT: _as_text,
    ColumnKind.NUMBER: _as_number,
    ColumnKind.SECONDS: _as_number,
    ColumnKind.MONEY: _as_number,
    ColumnKind.FLAG: _as_flag,
    ColumnKind.INSTANT: _as_instant,
}
