"""The kinds of CRM objects, and how the properties of an object are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from exporter.records import ENTITIES, Record
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow, attributes, record_id
from exporter.sources.providers.hubspot.pipelines import Stages, StageStatus


@dataclass(frozen=True, slots=True)
class PropertyReader:
    """Reads the properties of one kind of object; HubSpot writes every property as text.

    `modified` is the property that moves with every change, `zone` applies to times without one, and `extra` are
    the properties that the options add.
    """

    modified: str
    zone: tzinfo
    stages: Stages = field(default_factory=Stages)
    extra: tuple[str, ...] = ()

    def common(self, row: VendorRow, **texts: str | None) -> dict[str, Any]:
        """The columns that every record has; `texts` and the `extra` properties become attributes."""
        properties = row["properties"]
        return {
            "id": record_id(row),
            "updated_at": self.at(properties, self.modified) or self.at(row, "updatedAt"),
            "attributes": attributes({**texts, **{name: properties.get(name) for name in self.extra}}),
        }

    def at(self, holder: VendorRow, name: str) -> datetime | None:
        """An instant: HubSpot writes ISO with and without milliseconds, and milliseconds as a number."""
        return convert.instant(holder.get(name), name, self.zone)

    def tombstone(self, row: VendorRow, record_class: type[Record]) -> Record:
        """An archived record, with the time of its last change, so that a restored one replaces it."""
        changed_at = self.at(row.get("properties") or {}, self.modified) or self.at(row, "updatedAt")
        return record_class(id=record_id(row), updated_at=changed_at, deleted=True)


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """One kind of object. `modified` is the property that moves with every change (contacts have another)."""

    name: str
    entity: str
    scope: str
    properties: Callable[[Stages], tuple[str, ...]]
    record: Callable[[VendorRow, PropertyReader], Record]
    stage_status: StageStatus | None = None
    """The status that a stage's metadata stands for; None if the object has no pipelines."""
    modified: str = "hs_lastmodifieddate"

    @property
    def record_class(self) -> type[Record]:
        """The class of its records."""
        return ENTITIES[self.entity]
