"""A metric's `where` as one SQL condition.

An empty column (NULL, or text of no length) equals no value, is on no side of a comparison and matches no
pattern; `not` therefore keeps rows whose column is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from sqlglot import exp

from exporter.config.metrics import Condition, Filter
from exporter.metrics.columns import Operand, literal, number_literal, operand
from exporter.records import Kind

_Value = str | bool | float

_COMPARISONS: Mapping[str, type[exp.Binary]] = {"gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE}


def condition(entity: str, where: Mapping[str, Filter], zone: ZoneInfo) -> exp.Expr | None:
    """All of `where` at once, None where it asks for nothing; raises LookupError for what makes no sense."""
    parts = [part for name, wanted in where.items() for part in _parts(operand(entity, name), wanted, zone)]
    return exp.and_(*parts) if parts else None


def _parts(field: Operand, wanted: Filter, zone: ZoneInfo) -> Iterator[exp.Expr]:
    if not isinstance(wanted, Condition):
        yield _one_of(field, wanted, zone)
        return
    for name, compare in _COMPARISONS.items():
        bound = getattr(wanted, name)
        if bound is not None:
            yield _comparison(field, compare, bound, zone)
    if wanted.is_not is not None:
        yield exp.or_(_empty(field), exp.not_(_one_of(field, wanted.is_not, zone)))
    if wanted.present is not None:
        yield exp.not_(_empty(field)) if wanted.present else _empty(field)
    if wanted.matches is not None:
        yield exp.RegexpLike(this=field.text(), expression=exp.Literal.string(wanted.matches))


def _one_of(field: Operand, wanted: _Value | tuple[_Value, ...], zone: ZoneInfo) -> exp.Expr:
    values = [literal(field, value, zone) for value in (wanted if isinstance(wanted, tuple) else (wanted,))]
    if len(values) == 1:
        return exp.EQ(this=field.tree.copy(), expression=values[0])
    return exp.In(this=field.tree.copy(), expressions=values)


def _comparison(field: Operand, compare: type[exp.Binary], bound: float, zone: ZoneInfo) -> exp.Expr:
    if field.kind is Kind.INSTANT:
        return compare(this=field.tree.copy(), expression=literal(field, bound, zone))
    return compare(this=field.number(), expression=number_literal(bound))


def _empty(field: Operand) -> exp.Expr:
    return field.text().is_(exp.null()) if field.kind is Kind.TEXT else field.tree.copy().is_(exp.null())
