"""What the oracle knows of records: every version, and what one of them reads as of an instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Fields = Mapping[str, Any]

EVENTS = {
    "deals": ("created_at", "closed_at"),
    "leads": ("created_at", "qualified_at", "converted_at"),
    "activities": ("created_at", "completed_at"),
    "calls": ("started_at", "answered_at", "ended_at"),
    "tickets": ("created_at", "first_reply_at", "solved_at"),
    "surveys": ("answered_at",),
    "invoices": ("issued_at", "paid_at"),
    "payments": ("paid_at",),
    "subscriptions": ("started_at", "ended_at"),
    "measurements": ("at",),
}
STATE = {
    "deals": ("stage", "pipeline", "owner", "account", "attributes"),
    "leads": ("owner", "attributes"),
    "activities": ("status", "owner", "attributes"),
    "tickets": ("priority", "queue", "agent", "attributes"),
    "invoices": ("attributes",),
    "subscriptions": ("status", "plan", "attributes"),
    "people": ("team", "manager", "active", "attributes"),
    "payments": ("status",),
}
_IMPLIED = {
    "deals": ("closed_at", ("won", "lost")),
    "tickets": ("solved_at", ("solved", "closed")),
    "invoices": ("paid_at", ("paid",)),
}


@dataclass(frozen=True)
class Version:
    """One state of a record: since when it was so (None: always), and since when it is known."""

    fields: Fields
    valid_from: datetime | None
    known_from: datetime


@dataclass
class StoredRecord:
    """A record of a source with all its versions, in the order in which they became known."""

    source: str
    entity: str
    id: str
    versions: list[Version] = field(default_factory=list)
    deletions: list[tuple[datetime, bool]] = field(default_factory=list)
    """When it became known that the source deleted it (True), or that it has it again (False)."""

    @property
    def deleted(self) -> bool:
        """True if the source has deleted it."""
        return bool(self.deletions) and self.deletions[-1][1]

    def known(self, at: datetime | None) -> list[Version]:
        """The versions known by an instant (None: now); none if the record was known to be deleted."""
        deletions = [deleted for since, deleted in self.deletions if at is None or since <= at]
        if deletions and deletions[-1]:
            return []
        return [version for version in self.versions if at is None or version.known_from <= at]

    def learn(self, fields: Fields | None, watermark: datetime, at: datetime, *, is_correction: bool) -> None:
        """Takes over what a pass with this watermark said: the fields, or None that the record is deleted.

        A record changed when its vendor says so, at the latest when the pass saw it. A correction (a new mapping)
        and the return of a deleted record hold since the version before did.
        """
        last = self.versions[-1] if self.versions else None
        if fields is None:
            if last is not None and not self.deleted:
                self.deletions.append((at, True))
            return
        changed = last is None or last.fields != fields
        if changed and last is not None and not (is_correction or self.deleted):
            moved = _moved(last.fields, fields)
            valid = min(fields["updated_at"], watermark) if moved else watermark
            self.versions.append(Version(fields, valid if last.valid_from is None else max(valid, last.valid_from), at))
        elif changed:
            self.versions.append(Version(fields, last.valid_from if last else None, at))
        if self.deleted:
            self.deletions.append((at, False))


@dataclass(frozen=True)
class Reading:
    """A record as of an instant: `raw` as known today, by which it is dated, `fields` as it was then."""

    record: StoredRecord
    raw: Fields
    fields: Fields

    def value(self, name: str) -> Any:
        """A column or attribute; None if it is empty."""
        if name in ("source", "id"):
            return getattr(self.record, name)
        if name.startswith("attributes."):
            value = (self.fields.get("attributes") or {}).get(name.removeprefix("attributes."))
        else:
            value = self.fields.get(name)
        return None if value == "" else value


@dataclass
class Records:
    """All records of a company."""

    by_key: dict[tuple[str, str, str], StoredRecord] = field(default_factory=dict)

    def get(self, source: str, entity: str, id_: str) -> StoredRecord:
        """The record, a new one if there is none."""
        return self.by_key.setdefault((source, entity, id_), StoredRecord(source, entity, id_))

    def readings(self, entity: str, end: datetime, known_at: datetime | None, *, level: bool) -> Iterator[Reading]:
        """Every record of an entity as of `end`, from what was known at `known_at`."""
        for record in self.by_key.values():
            versions = record.known(known_at) if record.entity == entity else []
            if versions:
                yield Reading(record, versions[-1].fields, as_of(entity, versions, end, level=level))


def as_of(entity: str, versions: list[Version], end: datetime, *, level: bool) -> Fields:
    """What the last version reads as of `end`, with its state columns from the version that was valid then."""
    raw = versions[-1].fields
    result = dict(raw)
    for name in EVENTS.get(entity, ()):
        if not _happened(raw.get(name), end, level=level):
            result[name] = None
    if "status" in raw and entity in (*_IMPLIED, "leads"):
        result["status"] = _status(entity, raw, result)
    valid = valid_at(versions, end).fields
    return result | {name: valid.get(name) for name in STATE.get(entity, ())}


def valid_at(versions: list[Version], end: datetime) -> Version:
    """The version valid at `end`; before the first one, the first."""
    result = versions[0]
    for version in versions[1:]:
        if version.valid_from is None or version.valid_from <= end:
            result = version
    return result


def is_outdated(last: Fields, fields: Fields) -> bool:
    """True if the vendor says that the fields are older than the last ones."""
    return _has_both(last, fields) and bool(fields["updated_at"] < last["updated_at"])


def _moved(last: Fields, fields: Fields) -> bool:
    return _has_both(last, fields) and bool(fields["updated_at"] > last["updated_at"])


def _has_both(last: Fields, fields: Fields) -> bool:
    return last.get("updated_at") is not None and fields.get("updated_at") is not None


def _happened(value: datetime | None, end: datetime, *, level: bool) -> bool:
    return value is not None and (value <= end if level else value < end)


def _status(entity: str, raw: Fields, then: Fields) -> Any:
    def is_ahead(name: str) -> bool:
        return raw.get(name) is not None and then.get(name) is None

    status = raw["status"]
    if entity != "leads":
        column, finals = _IMPLIED[entity]
        return "open" if status in finals and is_ahead(column) else status
    if status not in ("qualified", "converted"):
        return status
    if status == "converted" and not is_ahead("converted_at"):
        unqualified = raw.get("converted_at") is None and is_ahead("qualified_at")
        return "new" if unqualified else "converted"
    if raw.get("qualified_at") is None and status == "qualified":
        return "qualified"  # an empty instant implies nothing
    return "qualified" if then.get("qualified_at") is not None else "new"
