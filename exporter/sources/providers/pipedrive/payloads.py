"""Pipedrive's deals, leads, activities, call logs and users as records.

Times are ISO: with a zone in v2, in UTC without one in v1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from exporter.config.sources.pipedrive import LeadFields
from exporter.records import Activity, Call, Deal, Lead, Person
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow, attributes, record_id, utc_instant

DEAL_STATES: Mapping[str, str] = MappingProxyType({"open": "open", "won": "won", "lost": "lost"})

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "call": "call", "meeting": "meeting", "lunch": "meeting", "email": "email", "task": "task",
        "deadline": "task", "demo": "demo",
    }
)  # fmt: skip
"""Pipedrive's own activity types. Custom types are tasks; the key is kept as an attribute."""

OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "connected": "answered",
        "no_answer": "missed",
        "left_message": "voicemail",
        "left_voicemail": "voicemail",
        "wrong_number": "failed",
        "busy": "busy",
    }
)


def deal(row: VendorRow, stages: Mapping[str, str], pipelines: Mapping[str, str], custom_fields: Sequence[str]) -> Deal:
    """A deal, archived or not. A deleted one, which Pipedrive lists for 30 days, becomes a tombstone."""
    if row["status"] == "deleted" or row.get("is_deleted"):
        return Deal(id=record_id(row), updated_at=utc_instant(row.get("update_time"), "updated_at"), deleted=True)
    stage, pipeline = convert.text(row["stage_id"], "stage"), convert.text(row["pipeline_id"], "pipeline")
    return Deal(
        id=record_id(row),
        updated_at=_changed_at(row),
        name=convert.text(row.get("title"), "name"),
        amount=convert.money(row["value"], "amount"),
        currency=convert.currency(row["currency"], "currency"),
        pipeline=pipelines.get(pipeline or "", pipeline),
        stage=stages.get(stage or "", stage),
        status=convert.choice(row["status"], "status", DEAL_STATES),
        owner=convert.text(row["owner_id"], "owner"),
        account=convert.text(row.get("org_id"), "account"),
        origin=convert.text(row.get("origin"), "origin"),
        created_at=utc_instant(row["add_time"], "created_at"),
        closed_at=_closed_at(row),
        attributes=_deal_attributes(row, custom_fields),
    )


def _closed_at(row: VendorRow) -> datetime | None:
    """When the deal was won or lost. A reopened deal may still have times of before, which are ignored."""
    if row["status"] not in ("won", "lost"):
        return None
    return utc_instant(row.get(f"{row['status']}_time") or row.get("close_time"), "closed_at")


def _deal_attributes(row: VendorRow, custom_fields: Sequence[str]) -> dict[str, str]:
    values = row.get("custom_fields") or {}
    return attributes(
        {
            "lost_reason": row.get("lost_reason"),
            "probability": row.get("probability"),
            "expected_close_date": row.get("expected_close_date"),
            "archived": "true" if row.get("is_archived") else None,
            **{key: _custom_value(values.get(key)) for key in custom_fields},
        }
    )


def _custom_value(field: Any) -> Any:
    """The value of a custom field; money and addresses are objects with a value."""
    return field.get("value") if isinstance(field, Mapping) else field


def lead(row: VendorRow, fields: LeadFields, zone: ZoneInfo) -> Lead:
    """A lead of the inbox or the archive, with the dates of its custom fields as days in the company's zone.

    A deal created from it is a separate record. An archived lead that was not converted is lost.
    """
    qualified_at, converted_at = (
        convert.instant(row.get(key), name, zone) if key else None
        for name, key in (("qualified_at", fields.qualified_at), ("converted_at", fields.converted_at))
    )
    return Lead(
        id=record_id(row),
        updated_at=_changed_at(row),
        status=_lead_status(row, qualified=qualified_at is not None, converted=converted_at is not None),
        origin=convert.text(row.get("source_name") or row.get("origin"), "origin"),
        owner=convert.text(row["owner_id"], "owner"),
        created_at=utc_instant(row["add_time"], "created_at"),
        qualified_at=qualified_at,
        converted_at=converted_at,
    )


def _lead_status(row: VendorRow, *, qualified: bool, converted: bool) -> str:
    if converted:
        return "converted"
    if row["is_archived"]:
        return "lost"
    return "qualified" if qualified else "working" if row.get("was_seen") else "new"


def activity(row: VendorRow, zone: ZoneInfo) -> Activity:
    """An activity. A due date with a time is in UTC; without a time it is a day in the company's zone."""
    if row.get("is_deleted"):
        return Activity(id=record_id(row), updated_at=utc_instant(row.get("update_time"), "updated_at"), deleted=True)
    type_key = convert.text(row["type"], "kind") or "task"
    return Activity(
        id=record_id(row),
        updated_at=_changed_at(row),
        kind=KINDS.get(type_key, "task"),
        status="done" if row["done"] else "planned",
        owner=convert.text(row["owner_id"], "owner"),
        created_at=utc_instant(row["add_time"], "created_at"),
        due_at=_due(row, zone),
        completed_at=utc_instant(row.get("marked_as_done_time"), "completed_at") if row["done"] else None,
        attributes={"type": type_key},
    )


def _due(row: VendorRow, zone: ZoneInfo) -> datetime | None:
    day, time_of_day = row.get("due_date"), row.get("due_time")
    if not day:
        return None
    if time_of_day:
        return convert.instant(f"{day} {time_of_day}", "due_at", UTC)
    return convert.instant(day, "due_at", zone)


def call(row: VendorRow) -> Call:
    """A call log: a call that a user made or logged. It has no queue and no ringing time."""
    status = convert.choice(row["outcome"], "status", OUTCOMES)
    started_at, ended_at = utc_instant(row["start_time"], "started_at"), utc_instant(row["end_time"], "ended_at")
    answered = status == "answered"
    return Call(
        id=record_id(row),
        direction="outbound",
        status=status,
        agent=convert.text(row.get("user_id"), "agent"),
        started_at=started_at,
        answered_at=started_at if answered else None,
        ended_at=ended_at,
        talk_seconds=convert.seconds(row.get("duration"), "talk_seconds") if answered else None,
    )


def person(row: VendorRow, teams: Mapping[str, str]) -> Person:
    """A user; `teams` is the name of the first team by user id."""
    user_id = record_id(row)
    return Person(
        id=user_id,
        updated_at=utc_instant(row.get("modified"), "updated_at"),
        deleted=bool(row.get("is_deleted")),
        name=convert.text(row["name"], "name"),
        email=convert.text(row.get("email"), "email"),
        team=teams.get(user_id),
        active=convert.flag(row["active_flag"], "active"),
    )


def team_by_user(rows: Sequence[VendorRow]) -> dict[str, str]:
    """The first active team of each user."""
    teams: dict[str, str] = {}
    for row in rows:
        name = convert.text(row.get("name"), "team")
        if name is not None and row.get("active_flag") and not row.get("deleted_flag"):
            for user in row.get("users") or ():
                teams.setdefault(convert.identifier(user, "user") or "", name)
    return teams


def _changed_at(row: VendorRow) -> datetime | None:
    """When the row last changed, or else was created."""
    return utc_instant(row.get("update_time"), "updated_at") or utc_instant(row["add_time"], "updated_at")
