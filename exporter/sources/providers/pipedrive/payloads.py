"""From Pipedrive's deals, leads, activities, call logs and users to records.

Times of v2 are ISO with zone, those of v1 are UTC without one.
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
"""Pipedrive's own activity types; a company's own types are tasks, with their key kept as an attribute."""

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


def deal(row: VendorRow, stages: Mapping[str, str], pipelines: Mapping[str, str], wanted: Sequence[str]) -> Deal:
    """A deal. Archived ones count like others; deleted ones, which Pipedrive lists for 30 days, are tombstones."""
    if row["status"] == "deleted" or row.get("is_deleted"):
        return Deal(id=record_id(row), updated_at=utc_instant(row.get("update_time"), "updated_at"), deleted=True)
    stage, pipeline = convert.text(row["stage_id"], "stage"), convert.text(row["pipeline_id"], "pipeline")
    return Deal(
        id=record_id(row),
        updated_at=_changed(row),
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
        attributes=_deal_attributes(row, wanted),
    )


def _closed_at(row: VendorRow) -> datetime | None:
    """When a deal was won or lost as it is now: one that was opened again may keep the times of before."""
    if row["status"] not in ("won", "lost"):
        return None
    return utc_instant(row.get(f"{row['status']}_time") or row.get("close_time"), "closed_at")


def _deal_attributes(row: VendorRow, wanted: Sequence[str]) -> dict[str, str]:
    known = {
        "lost_reason": row.get("lost_reason"),
        "probability": row.get("probability"),
        "expected_close_date": row.get("expected_close_date"),
        "archived": "true" if row.get("is_archived") else None,
        **{key: _custom((row.get("custom_fields") or {}).get(key)) for key in wanted},
    }
    return attributes(known)


def _custom(value: Any) -> Any:
    """A custom field's value; money and addresses come as objects that hold one."""
    return value.get("value") if isinstance(value, Mapping) else value


def lead(row: VendorRow, fields: LeadFields, zone: ZoneInfo) -> Lead:
    """A lead of the inbox, with its dates out of custom fields, which are the company's days.

    A deal that grew from it is another record; archived without one means given up.
    """
    qualified_at, converted_at = (
        convert.instant(row.get(key), name, zone) if key else None
        for name, key in (("qualified_at", fields.qualified_at), ("converted_at", fields.converted_at))
    )
    return Lead(
        id=record_id(row),
        updated_at=_changed(row),
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
    """An activity. Due date and time are UTC where a time is given; a date alone is the company's day."""
    if row.get("is_deleted"):
        return Activity(id=record_id(row), updated_at=utc_instant(row.get("update_time"), "updated_at"), deleted=True)
    key = convert.text(row["type"], "kind") or "task"
    return Activity(
        id=record_id(row),
        updated_at=_changed(row),
        kind=KINDS.get(key, "task"),
        status="done" if row["done"] else "planned",
        owner=convert.text(row["owner_id"], "owner"),
        created_at=utc_instant(row["add_time"], "created_at"),
        due_at=_due(row, zone),
        completed_at=utc_instant(row.get("marked_as_done_time"), "completed_at") if row["done"] else None,
        attributes={"type": key},
    )


def _due(row: VendorRow, zone: ZoneInfo) -> datetime | None:
    day, clock = row.get("due_date"), row.get("due_time")
    if not day:
        return None
    if clock:
        return convert.instant(f"{day} {clock}", "due_at", UTC)
    return convert.instant(day, "due_at", zone)


def call(row: VendorRow) -> Call:
    """A call log: calls that Pipedrive's users made or noted. It knows no queue and no ringing."""
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
    """A user; `teams` has the name of the first team by user id."""
    key = record_id(row)
    return Person(
        id=key,
        updated_at=utc_instant(row.get("modified"), "updated_at"),
        deleted=bool(row.get("is_deleted")),
        name=convert.text(row["name"], "name"),
        email=convert.text(row.get("email"), "email"),
        team=teams.get(key),
        active=convert.flag(row["active_flag"], "active"),
    )


def team_by_user(rows: Sequence[VendorRow]) -> dict[str, str]:
    """The first active team of each user."""
    found: dict[str, str] = {}
    for row in rows:
        name = convert.text(row.get("name"), "team")
        if name is not None and row.get("active_flag") and not row.get("deleted_flag"):
            for user in row.get("users") or ():
                found.setdefault(str(user), name)
    return found


def _changed(row: VendorRow) -> datetime | None:
    """When the row was changed, or made where it never was."""
    return utc_instant(row.get("update_time"), "updated_at") or utc_instant(row["add_time"], "updated_at")
