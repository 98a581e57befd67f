"""What is common to HubSpot's payloads: an id, properties that are texts whatever they hold, and three time formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Record
from exporter.sources.parsing import convert
from exporter.sources.providers.hubspot.pipelines import Stages


@dataclass(frozen=True, slots=True)
class Shape:
    """What is needed to read a payload: the stages, the zone of times without one, and wished-for properties."""

    modified: str
    zone: tzinfo
    stages: Stages = field(default_factory=Stages)
    extra: tuple[str, ...] = ()

    def common(self, row: Mapping[str, Any], **known: str | None) -> dict[str, Any]:
        """What every record has. `known` are attributes that are kept without being asked for."""
        properties = row["properties"]
        wished = {name: convert.text(properties.get(name), name) for name in self.extra}
        return {
            "id": identity(row),
            "updated_at": self.at(properties, self.modified) or self.at(row, "updatedAt"),
            "attributes": {name: value for name, value in {**known, **wished}.items() if value is not None},
        }

    def at(self, holder: Mapping[str, Any], name: str) -> datetime | None:
        """An instant: HubSpot writes ISO with and without milliseconds, and milliseconds as a number."""
        return convert.instant(holder.get(name), name, self.zone)

    def tombstone(self, row: Mapping[str, Any], kind: type[Record]) -> Record:
        """An archived record. It keeps the time of its last change, so that a restored one wins over it."""
        changed = self.at(row.get("properties") or {}, self.modified) or self.at(row, "updatedAt")
        return kind(id=identity(row), updated_at=changed, deleted=True)


def identity(row: Mapping[str, Any]) -> str:
    """The record's id; raises InvalidRecordError(MISSING_FIELD)."""
    found = convert.text(row.get("id"), "id")
    if found is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    return found
