"""The `columns` of a csv or rest source, compiled once into what turns a page of rows into records."""

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
"""From a row to a raw value, None where empty; raises KeyError(field) where the row has no such field."""

Convert = Callable[..., Any]
Columns = dict[str, list[Any]]
Faults = dict[int, InvalidRecordError]
"""Place of a row in its page to what is wrong with it."""

ATTRIBUTES = "attributes."

_OWN = {"id": EntityColumn("id", ColumnKind.TEXT), "updated_at": EntityColumn("updated_at", ColumnKind.INSTANT)}


@dataclass(frozen=True, slots=True)
class _Filled:
    """One column of ours: where its raw value is, and what makes one value or a whole page of them right."""

    name: str
    get: FieldGetter
    convert: Convert
    bulk: columnar.Bulk
    required: bool = False

    def of(self, row: Any, **more: Any) -> Any:
        """The value of one row; raises InvalidRecordError. `more` goes to the conversion."""
        try:
            value = self.convert(self.get(row), **more)
        except KeyError as error:
            raise InvalidRecordError(Reason.MISSING_FIELD, str(error.args[0])) from None
        except (TypeError, AttributeError):  # the row, or what the path leads through, is no object
            raise InvalidRecordError(Reason.BAD_TYPE, self.name) from None
        if value is None and self.required:
            raise InvalidRecordError(Reason.MISSING_FIELD, self.name)
        return value

    def of_all(self, rows: Sequence[Any], faults: Faults) -> list[Any]:
        """The values of all rows; None, and the fault noted, where a row has none that can be taken."""
        try:
            raws = list(map(self.get, rows))
            values = columnar.few(raws, self.convert)
            if values is None:
                values = self.bulk(raws)
        except (InvalidRecordError, KeyError, TypeError, AttributeError):
            values = None
        if values is None or (self.required and None in values):
            return each(rows, self.of, faults)
        return values


def each(rows: Sequence[Any], of: Callable[[Any], Any], faults: Faults) -> list[Any]:
    """The values one by one."""
    values = []
    for place, row in enumerate(rows):
        try:
            values.append(of(row))
        except InvalidRecordError as error:
            values.append(None)
            faults.setdefault(place, error)
            limit_rejected(len(faults))
    return values


class RecordMap:
    """Builds records of one entity out of rows of one shape."""

    def __init__(
        self, entity: str, columns: Mapping[str, ColumnSource], zone: tzinfo, getter: Callable[[str, bool], FieldGetter]
    ) -> None:
        """`getter(field, optional)` gives access to a field of a row."""
        self._kind = ENTITIES[entity]
        self._entity = entity
        self._zone = zone
        self._getter = getter
        self._plain: list[_Filled] = []
        self._minor: list[_Filled] = []
        self._attributes: list[_Filled] = []
        for name, spec in columns.items():
            filled = self._filled(name.removeprefix(ATTRIBUTES), spec)
            if name.startswith(ATTRIBUTES):
                self._attributes.append(filled)
            else:
                (self._minor if spec.unit == "minor" else self._plain).append(filled)

    def parse(self, rows: Sequence[Any], label: RowLabel) -> ParsedRows:
        """The rows as records; a row that does not fit is rejected with its reason."""
        faults: Faults = {}
        columns = self._columns(rows, faults)
        records = columnar.records(self._kind, len(rows), columns)
        if not faults:
            return ParsedRows(records)
        return ParsedRows(
            tuple(record for place, record in enumerate(records) if place not in faults),
            tuple(
                InvalidRecordError(fault.reason, fault.field, label(place + 1), columns["id"][place])
                for place, fault in sorted(faults.items())
            ),
        )

    def _columns(self, rows: Sequence[Any], faults: Faults) -> Columns:
        columns: Columns = {filled.name: filled.of_all(rows, faults) for filled in self._plain}
        for filled in self._minor:
            codes = columns.get("currency", [None] * len(rows))
            columns[filled.name] = each(list(zip(rows, codes, strict=True)), partial(_minor, filled), faults)
        if self._attributes:
            names = [filled.name for filled in self._attributes]
            known = [filled.of_all(rows, faults) for filled in self._attributes]
            columns["attributes"] = [_present(names, values) for values in zip(*known, strict=True)]
        return columns

    def record(self, row: Any) -> Record:
        """One row's record; raises InvalidRecordError. `parse` is ten times as fast for a page."""
        faults: Faults = {}
        columns = self._columns([row], faults)
        if faults:
            raise faults[0]
        return columnar.records(self._kind, 1, columns)[0]

    def tombstone(self, row: Any) -> Record:
        """The record of a deleted row, of which vendors often keep no more than the id."""
        own = {filled.name: filled for filled in self._plain if filled.name in _OWN}
        changed = _if_there(own["updated_at"], row) if "updated_at" in own else None
        return self._kind(id=own["id"].of(row), updated_at=changed, deleted=True)

    def _filled(self, name: str, spec: ColumnSource) -> _Filled:
        ours = _OWN.get(name) or column(self._entity, name) or EntityColumn(name, ColumnKind.TEXT)
        conversion, at_once = _conversion(ours, spec, self._zone)
        required = spec.required or name == "id"
        if spec.value is not None:
            value = _meaning(conversion, spec.value, name)
            return _Filled(name, lambda _: None, lambda _: value, lambda raws: [value] * len(raws), required)
        getters = [self._getter(source, spec.optional) for source in spec.fields]
        get = getters[0] if len(getters) == 1 else partial(_joined, getters)
        return _Filled(name, get, conversion, at_once, required)


def _minor(filled: _Filled, row: tuple[Any, str | None]) -> Any:
    """An amount in the smallest unit of the row's own currency."""
    return filled.of(row[0], minor=convert.minor_digits(row[1]))


def _present(names: Sequence[str], values: Sequence[Any]) -> dict[str, str]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _if_there(filled: _Filled, row: Any) -> datetime | None:
    try:
        found: datetime | None = filled.of(row)
    except InvalidRecordError:
        return None
    return found


def _joined(getters: list[FieldGetter], row: Any) -> str | None:
    """Several fields as one text, such as a date and a time, or first and last name."""
    parts = [get(row) for get in getters]
    texts = [part if isinstance(part, str) else convert.text(part, "") or "" for part in parts]
    return " ".join(text for text in texts if text) or None


def _meaning(conversion: Convert, value: Any, name: str) -> Any:
    """A value that the config gives itself."""
    try:
        return conversion(value)
    except InvalidRecordError:
        message = f"columns.{name} gives a value that this column cannot hold"
        raise SourceRejectedError(Reason.SCHEMA, message) from None


def _conversion(ours: EntityColumn, spec: ColumnSource, zone: tzinfo) -> tuple[Convert, columnar.Bulk]:
    if spec.map is None:
        return _by_kind(ours, spec, zone)
    plain, _ = _by_kind(ours, spec, zone)
    return _chosen(ours.name, {key: _meaning(plain, meaning, ours.name) for key, meaning in spec.map.items()})


def _chosen(name: str, meanings: Mapping[str, Any]) -> tuple[Convert, columnar.Bulk]:
    return partial(convert.choice, field=name, mapping=meanings), partial(columnar.choices, meanings=meanings)


def _by_kind(ours: EntityColumn, spec: ColumnSource, zone: tzinfo) -> tuple[Convert, columnar.Bulk]:
    name = ours.name
    match ours.kind:
        case ColumnKind.INSTANT:
            one = partial(convert.instant, field=name, zone=zone, formats=spec.formats)
            return one, partial(columnar.formatted, zone=zone, formats=spec.formats) if spec.formats else partial(
                columnar.instants, zone=zone
            )
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
            return _text(ours)


def _text(ours: EntityColumn) -> tuple[Convert, columnar.Bulk]:
    if ours.choices:
        return _chosen(ours.name, {choice: choice for choice in ours.choices})
    if ours.name == "currency":
        return partial(convert.currency, field="currency"), lambda _: None
    return partial(convert.text, field=ours.name), columnar.texts
