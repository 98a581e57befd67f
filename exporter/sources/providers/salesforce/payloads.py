"""From Salesforce's objects to records. Dates without a time are days in the company's zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from exporter.records import ENTITIES, Activity, Deal, Lead, Person, Record, Ticket
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow, attributes, record_id, utc_instant

LEAD_STATES: Mapping[str, str] = MappingProxyType(
    {
        "Open": "new", "New": "new", "Open - Not Contacted": "new", "Contacted": "working", "Working": "working",
        "Working - Contacted": "working", "Nurturing": "working", "Qualified": "qualified",
        "Closed - Converted": "converted", "Converted": "converted", "Unqualified": "lost",
        "Closed - Not Converted": "lost",
    }
)  # fmt: skip
CASE_STATES: Mapping[str, str] = MappingProxyType({"On Hold": "pending", "Waiting on Customer": "pending"})
"""Statuses of open cases that are pending; any other open case is open."""

ACTIVITY_KINDS: Mapping[str, str] = MappingProxyType(
    {"Task": "task", "Email": "email", "ListEmail": "email", "Call": "call", "Event": "meeting"}
)

_QUEUE = "00G"
"""The prefix of ids of queues and groups."""


@dataclass(frozen=True, slots=True)
class RecordMapper:
    """Maps rows of one org: its zone, the meaning of its lead statuses, and extra fields to store as attributes."""

    zone: ZoneInfo
    lead_states: Mapping[str, str]
    extra_fields: Sequence[str]

    def record(self, entity: str, row: VendorRow) -> Record:
        """The row's record; raises InvalidRecordError."""
        common: dict[str, Any] = {
            "id": record_id(row, "Id"),
            "updated_at": utc_instant(row["SystemModstamp"], "updated_at"),
        }
        if row.get("IsDeleted"):
            return ENTITIES[entity](**common, deleted=True)
        mappings = {
            "deals": self.deal,
            "leads": self.lead,
            "activities": self.activity,
            "tickets": ticket,
            "people": person,
        }
        extra = attributes({name: row.get(name) for name in self.extra_fields})
        return mappings[entity](row, {**common, "attributes": extra})

    def deal(self, row: VendorRow, common: Mapping[str, Any]) -> Deal:
        """An opportunity. The CloseDate of an open one is only expected, so it is left out."""
        closed = bool(row["IsClosed"])
        return Deal(
            **common,
            name=convert.text(row.get("Name"), "name"),
            amount=convert.money(row.get("Amount"), "amount"),
            currency=convert.currency(row.get("CurrencyIsoCode"), "currency"),
            pipeline=convert.text(row.get("Type"), "pipeline"),
            stage=convert.text(row["StageName"], "stage"),
            status="won" if row["IsWon"] else ("lost" if closed else "open"),
            owner=convert.text(row["OwnerId"], "owner"),
            account=convert.text(row.get("AccountId"), "account"),
            origin=convert.text(row.get("LeadSource"), "origin"),
            created_at=utc_instant(row["CreatedDate"], "created_at"),
            closed_at=convert.instant(row["CloseDate"], "closed_at", self.zone) if closed else None,
        )

    def lead(self, row: VendorRow, common: Mapping[str, Any]) -> Lead:
        """A lead; a status without a configured or standard meaning counts as working."""
        status = self.lead_states.get(str(row["Status"])) or LEAD_STATES.get(str(row["Status"]), "working")
        converted = bool(row["IsConverted"])
        return Lead(
            **common,
            status="converted" if converted else status,
            origin=convert.text(row.get("LeadSource"), "origin"),
            owner=convert.text(row["OwnerId"], "owner"),
            created_at=utc_instant(row["CreatedDate"], "created_at"),
            converted_at=convert.instant(row.get("ConvertedDate"), "converted_at", self.zone) if converted else None,
        )

    def activity(self, row: VendorRow, common: Mapping[str, Any]) -> Activity:
        """A task; logged calls and e-mails are tasks with a subtype."""
        return Activity(
            **common,
            kind=ACTIVITY_KINDS.get(str(row.get("TaskSubtype") or "Task"), "task"),
            status=convert.text(row["Status"], "status"),
            owner=convert.text(row["OwnerId"], "owner"),
            created_at=utc_instant(row["CreatedDate"], "created_at"),
            due_at=convert.instant(row.get("ActivityDate"), "due_at", self.zone),
            completed_at=utc_instant(row.get("CompletedDateTime"), "completed_at") if row["IsClosed"] else None,
        )


def ticket(row: VendorRow, common: Mapping[str, Any]) -> Ticket:
    """A case. Its owner is a user or, until somebody takes it, a queue."""
    owner = convert.text(row["OwnerId"], "agent") or ""
    return Ticket(
        **common,
        status="closed" if row["IsClosed"] else CASE_STATES.get(str(row["Status"]), "open"),
        priority=convert.text(row.get("Priority"), "priority"),
        channel=convert.text(row.get("Origin"), "channel"),
        queue=owner if owner.startswith(_QUEUE) else None,
        agent=None if owner.startswith(_QUEUE) else owner or None,
        created_at=utc_instant(row["CreatedDate"], "created_at"),
        solved_at=utc_instant(row.get("ClosedDate"), "solved_at"),
    )


def person(row: VendorRow, common: Mapping[str, Any]) -> Person:
    """A user; the department is the team."""
    return Person(
        **common,
        name=convert.text(row["Name"], "name"),
        email=convert.text(row.get("Email"), "email"),
        team=convert.text(row.get("Department"), "team"),
        manager=convert.text(row.get("ManagerId"), "manager"),
        active=convert.flag(row["IsActive"], "active"),
    )
