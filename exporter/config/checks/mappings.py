"""The `columns` of a source: our columns exist, and what fills them is of their kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.config.checks.columns import ATTRIBUTES, IN_WORDS, NUMBERS, unknown
from exporter.config.checks.view import View
from exporter.config.messages import quoted, suggestion
from exporter.config.positions import Finding, Path
from exporter.config.sources.base import ColumnSource
from exporter.records import Column, Kind, column

_OWN = {"id": Column("id", Kind.TEXT), "updated_at": Column("updated_at", Kind.INSTANT)}
_BUILT_IN = ("iso", "epoch", "epoch_ms")
_DIRECTIVE = re.compile("%(.?)", re.DOTALL)
_DIRECTIVES = "aAbBcdfGHIjmMpSuUVwWxXyYzZ%"
_TAKEN = {
    "source": "it is the source's name, for every row",
    "deleted": "rows that vanish count as deleted; in rest, say under deleted how a deletion shows",
}


def errors(view: View) -> Iterator[Finding]:
    """Columns that the entity does not have, and conversions that do not go with the column."""
    for place, source in view.sources:
        for inner, entity, columns in source.column_maps:
            for name, filled in columns.items():
                yield from _column(("sources", place, *inner, name), entity, name, filled)


def _column(path: Path, entity: str, name: str, filled: ColumnSource) -> Iterator[Finding]:
    if name in _TAKEN:
        yield Finding(path, f"{name} cannot be filled", _TAKEN[name])
        return
    attribute = Column(name, Kind.TEXT) if name.startswith(ATTRIBUTES) else None
    ours = attribute or _OWN.get(name) or column(entity, name)
    if ours is None:
        yield unknown(path, entity, name)
        return
    yield from _conversion(path, ours, filled)
    yield from _constants(path, ours, filled)


def _conversion(path: Path, ours: Column, filled: ColumnSource) -> Iterator[Finding]:
    kind = IN_WORDS[ours.kind]
    if filled.formats and ours.kind is not Kind.INSTANT:
        yield Finding((*path, "format"), f"format is for instants, and {ours.name} is {kind}", "leave it out")
    elif filled.formats:
        yield from _formats((*path, "format"), filled)
    units = {Kind.SECONDS: ("ms", "s", "min", "h"), Kind.MONEY: ("minor",)}.get(ours.kind, ())
    if filled.unit is not None and filled.unit not in units:
        cure = f"one of {', '.join(units)}" if units else "leave it out"
        yield Finding((*path, "unit"), f"unit {filled.unit} does not go with {ours.name}, which is {kind}", cure)
    if len(filled.fields) > 1 and ours.kind not in (Kind.TEXT, Kind.INSTANT):
        yield Finding(
            (*path, "from"), f"several fields are joined as text, and {ours.name} is {kind}", "name one field"
        )
    if filled.map is not None and filled.value is not None:
        yield Finding((*path, "map"), "map has nothing to translate: the value is given", "keep one of value and map")


def _formats(path: Path, filled: ColumnSource) -> Iterator[Finding]:
    for position, text in enumerate(filled.formats):
        at = path if isinstance(filled.format, str) else (*path, position)
        wrong = [sign for sign in _DIRECTIVE.findall(text) if not sign or sign not in _DIRECTIVES]
        if text not in _BUILT_IN and (wrong or "%" not in text):
            cure = f"{', '.join(_BUILT_IN)}, or a strptime format such as %d.%m.%Y %H:%M"
            yield Finding(at, "not a format of a time", cure)


def _constants(path: Path, ours: Column, filled: ColumnSource) -> Iterator[Finding]:
    if filled.value is not None:
        yield from _constant((*path, "value"), ours, filled.value)
    for key, meaning in (filled.map or {}).items():
        yield from _constant((*path, "map", key), ours, meaning)


def _constant(path: Path, ours: Column, value: str | bool | float) -> Iterator[Finding]:
    if ours.choices and value not in ours.choices:
        cure = suggestion(str(value), ours.choices, "values there are")
        yield Finding(path, f"{ours.name} is never {quoted(value)}", cure)
    elif ours.name == "currency" and not re.fullmatch("[A-Z]{3}", str(value)):
        yield Finding(path, "not an ISO 4217 currency code", "three capitals, such as EUR")
    elif not _holds(ours, value):
        message = f"{ours.name} is {IN_WORDS[ours.kind]}, and {quoted(value)} is not"
        yield Finding(path, message, "write what the column holds")


def _holds(ours: Column, value: str | bool | float) -> bool:
    if ours.kind is Kind.FLAG:
        return isinstance(value, bool)
    if ours.kind in NUMBERS:
        return not isinstance(value, bool | str)
    return isinstance(value, str) or (ours.kind is Kind.TEXT and not isinstance(value, bool))
