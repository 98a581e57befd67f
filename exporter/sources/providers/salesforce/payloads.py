"""From Salesforce's objects to records. Dates without a time are the company's days and are never shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Activity, Deal, Lead, Person, Record, Ticket
from exporter.sources.parsing import convert

Row = Mapping[str, Any]

LEAD_STATES: Mapping[str, str] = MappingProxyType(
    {
        "Open": "new", "New": "new", "Open - Not Contacted": "new", "Contacted": "working", "Working": "working",
        "Working - Contacted": "working", "Nurturing": "working", "Qualified": "qualified",
        "Closed - Converted": "converted", "Converted": "converted", "Unqualified": "lost",
        "Closed - Not Converted": "lost",
    }
)  # fmt: skip
CASE_STATES: Mapping[str, str] = MappingProxyType({"On Hold": "pending", "Waiting on Customer": "pending"})
"""Open cases in such a status wait for somebody else; any other open status is open."""

KINDS: Mapping[str, str] = MappingProxyType(
    {"Task": "task", "Email": "email", "ListEmail": "email", "Call": "call", "Event": "meeting"}
)

_QUEUE = "00G"
"""Ids that begin so are queues and groups, not users."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows of this org are read: its zone, what its lead statuses mean, and further fields to keep."""

    zone: ZoneInfo
    lead_states: Mapping[str, str]
    wanted: Sequence[str]

    def record(self, entity: str, row: Row) -> Record:
        """The row's record; raises InvalidRecordError."""
        if row.get("IsDeleted"):
            return _KINDS[entity](id=_id(row), updated_at=_at(row["SystemModstamp"], "updated_at"), deleted=True)
        made = {
            "deals": self.deal,
            "leads": self.lead,
            "activities": self.activity,
            "tickets": ticket,
            "people": person,
        }
        return made[entity](row, self._attributes(row))

    def deal(self, row: Row, attributes: Mapping[str, str]) -> Deal:
        """An opportunity. CloseDate of an open one is a hope, so only a closed one has been closed then."""
        closed = bool(row["IsClosed"])
        return Deal(
            **_common(row, attributes),
            name=convert.text(row.get("Name"), "name"),
            amount=convert.money(row.get("Amount"), "amount"),
            currency=convert.currency(row.get("CurrencyIsoCode"), "currency"),
            pipeline=convert.text(row.get("Type"), "pipeline"),
            stage=convert.text(row["StageName"], "stage"),
            status="won" if row["IsWon"] else ("lost" if closed else "open"),
            owner=convert.text(row["OwnerId"], "owner"),
            account=convert.text(row.get("AccountId"), "account"),
            origin=convert.text(row.get("LeadSource"), "origin"),
            created_at=_at(row["CreatedDate"], "created_at"),
            closed_at=convert.instant(row["CloseDate"], "closed_at", self.zone) if closed else None,
        )

    def lead(self, row: Row, attributes: Mapping[str, str]) -> Lead:
        """A lead; a status that is not named anywhere is somebody's work in progress."""
        status = self.lead_states.get(str(row["Status"])) or LEAD_STATES.get(str(row["Status"]), "working")
        converted = bool(row["IsConverted"])
        return Lead(
            **_common(row, attributes),
            status="converted" if converted else status,
            origin=convert.text(row.get("LeadSource"), "origin"),
            owner=convert.text(row["OwnerId"], "owner"),
            created_at=_at(row["CreatedDate"], "created_at"),
            converted_at=convert.instant(row.get("ConvertedDate"), "converted_at", self.zone) if converted else None,
        )

    def activity(self, row: Row, attributes: Mapping[str, str]) -> Activity:
        """A task; logged calls and e-mails are tasks of a subtype."""
        return Activity(
            **_common(row, attributes),
            kind=KINDS.get(str(row.get("TaskSubtype") or "Task"), "task"),
            status=convert.text(row["Status"], "status"),
            owner=convert.text(row["OwnerId"], "owner"),
            created_at=_at(row["CreatedDate"], "created_at"),
            due_at=convert.instant(row.get("ActivityDate"), "due_at", self.zone),
            completed_at=_at(row.get("CompletedDateTime"), "completed_at") if row["IsClosed"] else None,
        )

    def _attributes(self, row: Row) -> dict[str, str]:
        known = {name: convert.text(row.get(name), name) for name in self.wanted}
        return {name: value for name, value in known.items() if value is not None}


def ticket(row: Row, attributes: Mapping[str, str]) -> Ticket:
    """A case. Its owner is a user or, before anybody took it, a queue."""
    owner = convert.text(row["OwnerId"], "agent") or ""
    return Ticket(
        **_common(row, attributes),
        status="closed" if row["IsClosed"] else CASE_STATES.get(str(row["Status"]), "open"),
        priority=convert.text(row.get("Priority"), "priority"),
        channel=convert.text(row.get("Origin"), "channel"),
        queue=owner if owner.startswith(_QUEUE) else None,
        agent=None if owner.startswith(_QUEUE) else owner or None,
        created_at=_at(row["CreatedDate"], "created_at"),
        solved_at=_at(row.get("ClosedDate"), "solved_at"),
    )


def person(row: Row, attributes: Mapping[str, str]) -> Person:
    """A user, in the team that the department names."""
    return Person(
        **_common(row, attributes),
        name=convert.text(row["Name"], "name"),
        email=convert.text(row.get("Email"), "email"),
        team=convert.text(row.get("Department"), "team"),
        manager=convert.text(row.get("ManagerId"), "manager"),
        active=convert.flag(row["IsActive"], "active"),
    )


_KINDS: Mapping[str, type[Record]] = MappingProxyType(
    {"deals": Deal, "leads": Lead, "activities": Activity, "tickets": Ticket, "people": Person}
)


def _common(row: Row, attributes: Mapping[str, str]) -> dict[str, Any]:
    return {"id": _id(row), "updated_at": _at(row["SystemModstamp"], "updated_at"), "attributes": attributes}


def _at(value: Any, field: str) -> datetime | None:
    return convert.instant(value, field, UTC)


def _id(row: Row) -> str:
    key = convert.text(row.get("Id"), "id")
    if key is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    return key
