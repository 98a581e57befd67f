"""From rows of one entity that were posted to records, each still with its row's number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from exporter.config.sources.base import ColumnSource
from exporter.config.sources.push import PushEntity
from exporter.errors import InvalidRecordError, Reason
from exporter.push.body import Numbered, Refused
from exporter.records import Record, columns
from exporter.sources.parsing import convert
from exporter.sources.parsing.column_map import RecordMap
from exporter.sources.parsing.json_path import getter
from exporter.sources.parsing.plausibility import find_implausible
from exporter.sources.parsing.rows import ParsedRows, parse_rows

ENTITY, DELETED, ATTRIBUTES = "entity", "deleted", "attributes"
"""Fields that mean the same in every record, beside our columns."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What of a post concerns one entity: records, each with its row's number, and the rows that cannot be taken."""

    records: tuple[tuple[int, Record], ...] = ()
    refused: Refused = field(default_factory=dict)


class Shape:
    """What the fields of an entity's rows mean: by the config's `columns`, else each field is our column of its name.

    Without `columns`, fields that we have no column for become attributes.
    """

    def __init__(self, options: PushEntity, zone: tzinfo) -> None:
        own = ("id", "updated_at", *(column.name for column in columns(options.entity)))
        self.is_mapped = options.columns is not None
        self._known = frozenset((*own, ENTITY, DELETED, ATTRIBUTES))
        self._map = RecordMap(options.entity, options.columns or _own_names(own), zone, getter)

    def take(self, rows: Sequence[Numbered], now: datetime) -> Batch:
        """The rows, all objects, as records that are plausible as of `now`, in their order."""
        refused: Refused = {}
        alive: list[Numbered] = []
        gone: list[Numbered] = []
        attributes: dict[int, dict[str, str]] = {}
        for number, row in rows:
            try:
                (gone if convert.flag(row.get(DELETED), DELETED) else alive).append((number, row))
                attributes[number] = {} if self.is_mapped else self._attributes(row)
            except InvalidRecordError as error:
                refused[number] = InvalidRecordError(error.reason, error.field, str(number), self.id_of(row))
        kept = self._kept(alive, refused, self._map.parse)
        dead = self._kept(gone, refused, lambda rows, where: parse_rows(rows, self._map.tombstone, where))
        whole = [(number, _with(record, attributes[number])) for number, record in kept]
        records = sorted([*whole, *dead], key=lambda numbered: numbered[0])
        for index, fault in find_implausible([record for _, record in records], now).items():
            number = records[index][0]
            refused[number] = InvalidRecordError(fault.reason, fault.field, str(number), fault.record_id)
        return Batch(tuple(numbered for numbered in records if numbered[0] not in refused), refused)

    def id_of(self, row: Any) -> str | None:
        """The id of a row that cannot be taken, where it is certain: a full listing must not take it for deleted."""
        try:
            return convert.text(row.get("id"), "id") if isinstance(row, Mapping) and not self.is_mapped else None
        except InvalidRecordError:
            return None

    @staticmethod
    def _kept(
        rows: Sequence[Numbered], refused: Refused, take: Callable[[list[Any], Callable[[int], str]], ParsedRows]
    ) -> list[tuple[int, Record]]:
        left = [(number, row) for number, row in rows if number not in refused]
        numbers = [number for number, _ in left]
        taken = take([row for _, row in left], lambda place: str(numbers[place - 1]))
        refused.update((int(error.where), error) for error in taken.rejected)
        return list(zip((number for number in numbers if number not in refused), taken.records, strict=True))

    def _attributes(self, row: Mapping[str, Any]) -> dict[str, str]:
        nested = row.get(ATTRIBUTES) or {}
        if not isinstance(nested, Mapping):
            raise InvalidRecordError(Reason.BAD_TYPE, ATTRIBUTES)
        more = {name: value for name, value in row.items() if name not in self._known} | dict(nested)
        texts = {convert.text(name, ATTRIBUTES): convert.text(value, ATTRIBUTES) for name, value in more.items()}
        return {name: value for name, value in texts.items() if name is not None and value is not None}


def _own_names(names: Sequence[str]) -> dict[str, ColumnSource]:
    return {name: ColumnSource.model_validate({"from": name, "optional": True}) for name in names}


def _with(record: Record, attributes: Mapping[str, str]) -> Record:
    return replace(record, attributes=attributes) if attributes else record
