"""A metric's `where`: operators and values that fit their column, and that some row can pass."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.columns import ATTRIBUTES, IN_WORDS, NUMBERS, look_up, unknown
from exporter.config.checks.view import View
from exporter.config.messages import quoted, suggestion
from exporter.config.metrics import Condition, Filter, Scalar
from exporter.config.positions import Finding, Path
from exporter.records import Column, Kind

_COMPARISONS = ("gt", "gte", "lt", "lte")


def errors(view: View) -> Iterator[Finding]:
    """Conditions that make no sense on their column, or that nothing can meet."""
    for place, metric in view.metrics:
        for name, wanted in metric.where.items():
            path: Path = ("metrics", place, "where", name)
            column = look_up(metric.entity, name)
            if column is None:
                yield unknown(path, metric.entity, name)
            else:
                yield from _condition(path, column, wanted)


def _condition(path: Path, column: Column, wanted: Filter) -> Iterator[Finding]:
    if not isinstance(wanted, Condition):
        yield from _values(path, column, wanted)
        return
    for operator in _COMPARISONS:
        if getattr(wanted, operator) is not None and not _is_comparable(column):
            yield _incomparable((*path, operator), column, operator)
    if wanted.is_not is not None:
        yield from _values((*path, "not"), column, wanted.is_not)
    if wanted.matches is not None and column.kind is not Kind.TEXT:
        message = f"matches needs text, and {column.name} is {IN_WORDS[column.kind]}"
        yield Finding((*path, "matches"), message, "compare with gte or lte, or give the value")
    yield from _impossible(path, wanted)


def _is_comparable(column: Column) -> bool:
    return column.kind in NUMBERS or column.name.startswith(ATTRIBUTES)


def _incomparable(path: Path, column: Column, operator: str) -> Finding:
    message = f"{operator} compares numbers, and {column.name} is {IN_WORDS[column.kind]}"
    if column.kind is Kind.INSTANT:
        return Finding(path, message, "the period chooses by time; present: true asks for any time at all")
    return Finding(path, message, "give the value, or a list of values")


def _impossible(path: Path, wanted: Condition) -> Iterator[Finding]:
    least = [bound for bound in (wanted.gt, wanted.gte) if bound is not None]
    most = [bound for bound in (wanted.lt, wanted.lte) if bound is not None]
    if least and most:
        low, high = max(least), min(most)
        open_end = (wanted.gt is not None and wanted.gt == low) or (wanted.lt is not None and wanted.lt == high)
        if low > high or (low == high and open_end):
            yield Finding(path, "no number is in this range", "the lower bound first: {gte: 1, lt: 5}")
    if wanted.present is False and len(wanted.model_fields_set) > 1:
        yield Finding(path, "an empty column meets no other condition", "present: false stands alone")


def _values(path: Path, column: Column, wanted: Scalar | tuple[Scalar, ...]) -> Iterator[Finding]:
    if not isinstance(wanted, tuple):
        yield from _value(path, column, wanted)
        return
    for position, value in enumerate(wanted):
        yield from _value((*path, position), column, value)


def _value(path: Path, column: Column, value: Scalar) -> Iterator[Finding]:
    if column.choices and value not in column.choices:
        cure = suggestion(str(value), column.choices, "values there are")
        yield Finding(path, f"{column.name} is never {quoted(value)}", cure)
    elif column.kind is Kind.INSTANT:
        yield Finding(path, f"{column.name} is an instant", "present: true or false is all that can be asked of one")
    elif not _is_of(column, value):
        cures = {Kind.FLAG: "write true or false", Kind.TEXT: "put it in quotes"}
        cure = cures.get(column.kind, "a number without quotes")
        yield Finding(path, f"{column.name} is {IN_WORDS[column.kind]}, and {quoted(value)} is not", cure)


def _is_of(column: Column, value: Scalar) -> bool:
    if column.name.startswith(ATTRIBUTES):
        return True
    if column.kind is Kind.TEXT:
        # a whole number can only have been written in one way, so it is certain which text is meant
        return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    if column.kind is Kind.FLAG:
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)
