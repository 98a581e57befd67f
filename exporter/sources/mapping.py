"""The `columns` of a csv or rest source, compiled once into a function from a row to a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from exporter.config.sources.base import ColumnSource
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.records import ENTITIES, Column, Kind, Record, column
from exporter.sources import convert

Get = Callable[[Any], Any]
"""From a row to a raw value, None where empty; raises InvalidRecordError(MISSING_FIELD)."""

Convert = Callable[[Any], Any]

ATTRIBUTES = "attributes."
_OWN = {"id": Column("id", Kind.TEXT), "updated_at": Column("updated_at", Kind.INSTANT)}


@dataclass(frozen=True, slots=True)
class _Filled:
    """One column of ours: where its raw value is and what makes it right."""

    name: str
    get: Get
    convert: Convert
    required: bool = False

    def of(self, row: Any) -> Any:
        value = self.convert(self.get(row))
        if value is None and self.required:
            raise InvalidRecordError(Reason.MISSING_FIELD, self.name)
        return value


class RecordMap:
    """Builds records of one entity from rows of one shape; compiled once because it runs for every row."""

    def __init__(
        self, entity: str, columns: Mapping[str, ColumnSource], zone: tzinfo, getter: Callable[[str, bool], Get]
    ) -> None:
        """`getter(field, optional)` gives access to a field of a row."""
        self._kind = ENTITIES[entity]
        self._entity = entity
        self._zone = zone
        self._getter = getter
        minor = {name for name, spec in columns.items() if spec.unit == "minor"}
        own = {name: spec for name, spec in columns.items() if not name.startswith(ATTRIBUTES)}
        self._plain = [self._filled(name, spec) for name, spec in own.items() if name not in minor]
        self._minor = [self._filled(name, spec) for name, spec in own.items() if name in minor]
        self._attributes = [
            self._filled(name.removeprefix(ATTRIBUTES), spec)
            for name, spec in columns.items()
            if name.startswith(ATTRIBUTES)
        ]

    def record(self, row: Any) -> Record:
        """The row's record; raises InvalidRecordError."""
        values = {filled.name: filled.of(row) for filled in self._plain}
        for filled in self._minor:
            digits = convert.minor_digits(values.get("currency"))
            values[filled.name] = convert.money(filled.get(row), filled.name, digits)
        for filled in self._attributes:
            values.setdefault("attributes", {})
            if (value := filled.of(row)) is not None:
                values["attributes"][filled.name] = value
        return self._kind(**values)

    def tombstone(self, row: Any) -> Record:
        """The record of a deleted row, of which vendors often keep no more than the id."""
        values: dict[str, Any] = {}
        for filled in self._plain:
            if filled.name == "id":
                values["id"] = filled.of(row)
            elif filled.name == "updated_at":
                values["updated_at"] = _if_possible(filled, row)
        return self._kind(deleted=True, **values)

    def _filled(self, name: str, spec: ColumnSource) -> _Filled:
        ours = _OWN.get(name) or column(self._entity, name) or Column(name, Kind.TEXT)
        conversion = _conversion(ours, spec, self._zone)
        required = spec.required or name == "id"
        if spec.value is not None:
            return _Filled(name, _constant(_meaning(conversion, spec.value, name)), _same, required)
        return _Filled(name, self._get(spec), conversion, required)

    def _get(self, spec: ColumnSource) -> Get:
        getters = [self._getter(field, spec.optional) for field in spec.fields]
        return getters[0] if len(getters) == 1 else partial(_joined, getters)


def _if_possible(filled: _Filled, row: Any) -> datetime | None:
    try:
        found: datetime | None = filled.of(row)
    except InvalidRecordError:
        return None
    return found


def _same(value: Any) -> Any:
    return value


def _constant(value: Any) -> Get:
    return lambda _: value


def _joined(getters: list[Get], row: Any) -> str | None:
    """Several fields as one text, such as a date and a time, or first and last name."""
    parts = [convert.text(get(row), "") for get in getters]
    return " ".join(part for part in parts if part) or None


def _conversion(ours: Column, spec: ColumnSource, zone: tzinfo) -> Convert:
    plain = _by_kind(ours, spec, zone)
    if spec.map is None:
        return plain
    meanings = {key: _meaning(plain, meaning, ours.name) for key, meaning in spec.map.items()}
    return partial(convert.choice, field=ours.name, mapping=meanings)


def _meaning(conversion: Convert, value: Any, name: str) -> Any:
    """A value that the config gives itself."""
    try:
        return conversion(value)
    except InvalidRecordError:
        message = f"columns.{name} gives a value that this column cannot hold"
        raise SourceRejectedError(Reason.SCHEMA, message) from None


def _by_kind(ours: Column, spec: ColumnSource, zone: tzinfo) -> Convert:
    name = ours.name
    match ours.kind:
        case Kind.INSTANT:
            return partial(convert.instant, field=name, zone=zone, formats=spec.formats)
        case Kind.SECONDS:
            return partial(convert.seconds, field=name, unit=spec.unit or "s")
        case Kind.MONEY:
            return partial(convert.money, field=name)
        case Kind.NUMBER:
            return partial(convert.number, field=name)
        case Kind.FLAG:
            return partial(convert.flag, field=name)
        case Kind.TEXT:
            return _text(ours)


def _text(ours: Column) -> Convert:
    if ours.choices:
        return partial(convert.choice, field=ours.name, mapping={choice: choice for choice in ours.choices})
    if ours.name == "currency":
        return partial(convert.currency, field="currency")
    return partial(convert.text, field=ours.name)
