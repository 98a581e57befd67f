"""The `columns` of a csv, rest, sql or push source, compiled once into what parses a page of rows into records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from exporter.config.sources.base import ColumnSource
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.records import ENTITIES, ColumnKind, EntityColumn, Record, column
from exporter.sources.parsing import columnar, convert
from exporter.sources.parsing.rows import ParsedRows, RowLabel, limit_rejected

FieldGetter = Callable[[Any], Any]
"""From a row to a raw value, None if empty; raises KeyError(field) if the row has no such field."""

ATTRIBUTES = "attributes."

_Converter = Callable[..., Any]
_Faults = dict[int, InvalidRecordError]
"""The index of a row in its page, and its fault."""

_COMMON_COLUMNS = {
    "id": EntityColumn("id", ColumnKind.TEXT),
    "updated_at": EntityColumn("updated_at", ColumnKind.INSTANT),
}


@dataclass(frozen=True, slots=True)
class _MappedColumn:
    """One column of the entity: how to get its raw value, and how to convert one value or a whole page of them."""

    name: str
    get: FieldGetter
    convert: _Converter
    convert_all: columnar.ColumnConverter
    required: bool = False

    def value(self, row: Any, **options: Any) -> Any:
        """The value of one row; raises InvalidRecordError. `options` are passed to the conversion."""
        try:
            value = self.convert(self.get(row), **options)
        except KeyError as error:
            raise InvalidRecordError(Reason.MISSING_FIELD, str(error.args[0])) from None
        except (TypeError, AttributeError):  # the row, or a parent of the field, is not an object
            raise InvalidRecordError(Reason.BAD_TYPE, self.name) from None
        if value is None and self.required:
            raise InvalidRecordError(Reason.MISSING_FIELD, self.name)
        return value

    def values(self, rows: Sequence[Any], faults: _Faults) -> list[Any]:
        """The values of all rows; for an invalid one None, with its fault added to `faults`."""
        try:
            raw_values = list(map(self.get, rows))
            values = columnar.repeated_texts(raw_values, self.convert)
            if values is None:
                values = self.convert_all(raw_values)
        except (InvalidRecordError, KeyError, TypeError, AttributeError):
            values = None
        if values is None or (self.required and None in values):
            return _convert_each(rows, self.value, faults)
        return values


def _convert_each(rows: Sequence[Any], convert_row: Callable[[Any], Any], faults: _Faults) -> list[Any]:
    values = []
    for index, row in enumerate(rows):
        try:
            values.append(convert_row(row))
        except InvalidRecordError as error:
            values.append(None)
            faults.setdefault(index, error)
            limit_rejected(len(faults))
    return values


class RecordMap:
    """Builds records of one entity from rows of one structure."""

    def __init__(
        self, entity: str, columns: Mapping[str, ColumnSource], zone: tzinfo, getter: Callable[[str, bool], FieldGetter]
    ) -> None:
        """`getter(field, optional)` gives access to a field of a row."""
        self._record_class = ENTITIES[entity]
        self._entity = entity
        self._zone = zone
        self._getter = getter
        self._columns: list[_MappedColumn] = []
        self._minor_units: list[_MappedColumn] = []
        self._attributes: list[_MappedColumn] = []
        for name, spec in columns.items():
            mapped = self._mapped(name.removeprefix(ATTRIBUTES), spec)
            if name.startswith(ATTRIBUTES):
                self._attributes.append(mapped)
            else:
                (self._minor_units if spec.unit == "minor" else self._columns).append(mapped)

    def parse(self, rows: Sequence[Any], label: RowLabel) -> ParsedRows:
        """The rows as records; an invalid row is rejected with its reason."""
        faults: _Faults = {}
        columns = self._convert(rows, faults)
        records = columnar.records(self._record_class, len(rows), columns)
        if not faults:
            return ParsedRows(records)
        return ParsedRows(
            tuple(record for index, record in enumerate(records) if index not in faults),
            tuple(
                InvalidRecordError(fault.reason, fault.field, label(index + 1), columns["id"][index])
                for index, fault in sorted(faults.items())
            ),
        )

    def record(self, row: Any) -> Record:
        """The record of one row; raises InvalidRecordError. `parse` is more than ten times as fast for a page."""
        faults: _Faults = {}
        columns = self._convert([row], faults)
        if faults:
            raise faults[0]
        return columnar.records(self._record_class, 1, columns)[0]

    def _convert(self, rows: Sequence[Any], faults: _Faults) -> dict[str, list[Any]]:
        columns = {mapped.name: mapped.values(rows, faults) for mapped in self._columns}
        for mapped in self._minor_units:
            currencies = columns.get("currency", [None] * len(rows))
            pairs = list(zip(rows, currencies, strict=True))
            columns[mapped.name] = _convert_each(pairs, partial(_minor_amount, mapped), faults)
        if self._attributes:
            names = [mapped.name for mapped in self._attributes]
            values = zip(*(mapped.values(rows, faults) for mapped in self._attributes), strict=True)
            columns["attributes"] = [
                {name: value for name, value in zip(names, row_values, strict=True) if value is not None}
                for row_values in values
            ]
        return columns

    def tombstone(self, row: Any) -> Record:
        """The record of a deleted row, for which vendors often return only the id."""
        common = {mapped.name: mapped for mapped in self._columns if mapped.name in _COMMON_COLUMNS}
        updated_at: datetime | None = None
        if "updated_at" in common:
            try:
                updated_at = common["updated_at"].value(row)
            except InvalidRecordError:
                updated_at = None
        return self._record_class(id=common["id"].value(row), updated_at=updated_at, deleted=True)

    def _mapped(self, name: str, spec: ColumnSource) -> _MappedColumn:
        target = _COMMON_COLUMNS.get(name) or column(self._entity, name) or EntityColumn(name, ColumnKind.TEXT)
        converter, convert_all = _converters(target, spec, self._zone)
        if spec.map is not None:
            converter, convert_all = _choice(
                name, {key: _constant(converter, value, name) for key, value in spec.map.items()}
            )
        required = spec.required or name == "id"
        if spec.value is not None:
            value = _constant(converter, spec.value, name)
            return _MappedColumn(name, lambda _: None, lambda _: value, lambda raw: [value] * len(raw), required)
        getters = [self._getter(source, spec.optional) for source in spec.fields]
        get = getters[0] if len(getters) == 1 else partial(_joined, getters)
        return _MappedColumn(name, get, converter, convert_all, required)


def _minor_amount(mapped: _MappedColumn, row: tuple[Any, str | None]) -> Any:
    """An amount in the smallest unit of the row's own currency."""
    return mapped.value(row[0], minor=convert.minor_digits(row[1]))


def _joined(getters: list[FieldGetter], row: Any) -> str | None:
    """Several fields as one text, such as a date and a time, or first and last name."""
    values = [get(row) for get in getters]
    texts = [value if isinstance(value, str) else convert.text(value, "") or "" for value in values]
    return " ".join(text for text in texts if text) or None


def _constant(converter: _Converter, value: Any, name: str) -> Any:
    """A value from the config; raises SourceRejectedError(SCHEMA) if it does not fit the column."""
    try:
        return converter(value)
    except InvalidRecordError:
        raise SourceRejectedError(Reason.SCHEMA, f"columns.{name} has a value that does not fit this column") from None


def _choice(name: str, mapping: Mapping[str, Any]) -> tuple[_Converter, columnar.ColumnConverter]:
    return partial(convert.choice, field=name, mapping=mapping), partial(columnar.choices, mapping=mapping)


def _converters(target: EntityColumn, spec: ColumnSource, zone: tzinfo) -> tuple[_Converter, columnar.ColumnConverter]:
    """The conversions of one value and of a whole column, by the kind of the target column."""
    name = target.name
    match target.kind:
        case ColumnKind.INSTANT:
            instant = partial(convert.instant, field=name, zone=zone, formats=spec.formats)
            return instant, (lambda _: None) if spec.formats else partial(columnar.instants, zone=zone)
        case ColumnKind.SECONDS:
            unit = spec.unit or "s"
            return partial(convert.seconds, field=name, unit=unit), partial(columnar.durations, unit=unit)
        case ColumnKind.MONEY:
            return partial(convert.money, field=name), columnar.amounts
        case ColumnKind.NUMBER:
            return partial(convert.number, field=name), columnar.numbers
        case ColumnKind.FLAG:
            return partial(convert.flag, field=name), columnar.flags
        case ColumnKind.TEXT:
            return _text_converters(target)


def _text_converters(target: EntityColumn) -> tuple[_Converter, columnar.ColumnConverter]:
    if target is _COMMON_COLUMNS["id"]:
        return convert.identifier, columnar.texts
    if target.choices:
        return _choice(target.name, {choice: choice for choice in target.choices})
    if target.name == "currency":
        return partial(convert.currency, field="currency"), lambda _: None
    return partial(convert.text, field=target.name), columnar.texts
