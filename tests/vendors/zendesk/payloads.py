"""The company's tickets, ticket metrics, satisfaction ratings and people in Zendesk's format."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from exporter.demo.company.entities import TicketHistory
from exporter.demo.company.rhythm import CLOSES, OPENS, is_workday, local_day, midnight
from exporter.demo.company.staff import TEAMS, Employee

AGENT_BASE, GROUP_BASE, CUSTOMER_BASE = 397_100_000, 21_400_000, 398_000_000
STARS_FIELD = 360_021_000_001
"""The ticket field for a survey's one to five stars; Zendesk's own rating is only good or bad."""
CLOSED_AFTER = 28 * 86_400
"""Seconds after which Zendesk closes a solved ticket permanently."""

_STATES: Mapping[str, str] = MappingProxyType(
    {"new": "new", "waiting_on_us": "open", "waiting_on_contact": "pending", "closed": "solved"}
)
_CHANNELS: Mapping[str, str] = MappingProxyType({"EMAIL": "email", "FORM": "web", "CHAT": "chat", "PHONE": "voice"})
_PRIORITIES: Mapping[str, str] = MappingProxyType(
    {"LOW": "low", "MEDIUM": "normal", "HIGH": "high", "URGENT": "urgent"}
)

Row = dict[str, Any]


def iso(at: int | None) -> str | None:
    """A time in Zendesk's format."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def group_id(team: str) -> int:
    """The id of a team's group."""
    return GROUP_BASE + [name for name, _, _ in TEAMS].index(team)


def solved_at(record: TicketHistory, now: int) -> int | None:
    """When a ticket was last solved, or None if it is not solved at `now`."""
    return record.entered("closed", now) if record.stage(now) == "closed" else None


def closed_at(record: TicketHistory, now: int) -> int | None:
    """When Zendesk closed a ticket permanently, or None if it has not by `now`."""
    at = solved_at(record, now)
    return at + CLOSED_AFTER if at is not None and at + CLOSED_AFTER <= now else None


def generated_at(record: TicketHistory, now: int) -> int:
    """When the row last changed. Unlike `updated_at`, this includes the automation that closes tickets."""
    if record.archived(now):
        return int(record.archived_at or 0)
    return max(record.changed_at(now), closed_at(record, now) or 0)


def ticket(record: TicketHistory, now: int) -> Row:
    """A ticket; a deleted one has only a few fields left."""
    generated = generated_at(record, now)
    if record.archived(now):
        return {"id": record.id, "status": "deleted", "updated_at": iso(generated), "generated_timestamp": generated}
    replied = record.replied_at <= now
    closed = closed_at(record, now) is not None
    return {
        "id": record.id,
        "subject": record.subject,
        "status": "closed" if closed else _STATES[record.stage(now)],
        "priority": _PRIORITIES[record.priority],
        "type": "question",
        "via": {"channel": _CHANNELS[record.channel]},
        "group_id": group_id("Customer Care" if record.care else "Support"),
        "assignee_id": AGENT_BASE + record.agent if replied else None,
        "requester_id": CUSTOMER_BASE + record.id % 1000,
        "tags": [record.subject.lower().replace(" ", "_")],
        "created_at": iso(record.created_at),
        "updated_at": iso(record.changed_at(now)),
        "generated_timestamp": generated,
        "satisfaction_rating": {"score": _score(record, now)},
        "custom_fields": [{"id": STARS_FIELD, "value": str(record.rating) if rated(record, now) else None}],
    }


def rated(record: TicketHistory, now: int) -> bool:
    """Whether the customer has rated the ticket by `now`."""
    return record.rated_at is not None and record.rated_at <= now


def _score(record: TicketHistory, now: int) -> str:
    if not rated(record, now):
        return "offered" if solved_at(record, now) else "unoffered"
    return "good" if (record.rating or 0) >= 4 else "bad"


def metrics(record: TicketHistory, now: int) -> Row:
    """A ticket's metrics. Times are whole minutes, in calendar and in business hours."""
    replied, solved = record.replied_at <= now, solved_at(record, now)
    entered = [step.at for step in record.steps if step.stage == "closed" and step.at <= now]
    return {
        "id": record.id + 7_000_000,
        "ticket_id": record.id,
        "created_at": iso(record.created_at),
        "updated_at": iso(record.changed_at(now)),
        "assignee_stations": int(replied),
        "group_stations": 1,
        "replies": int(replied),
        "reopens": len(entered) - 1 if solved else len(entered),
        "solved_at": iso(solved),
        "initially_assigned_at": iso(record.replied_at) if replied else None,
        "reply_time_in_minutes": _minutes(record, record.replied_at if replied else None),
        "full_resolution_time_in_minutes": _minutes(record, solved),
        "first_resolution_time_in_minutes": _minutes(record, entered[0] if entered else None),
    }


def _minutes(record: TicketHistory, at: int | None) -> dict[str, int | None]:
    """Minutes from the ticket's creation to an instant, in calendar and in business hours."""
    if at is None:
        return {"calendar": None, "business": None}
    return {"calendar": (at - record.created_at) // 60, "business": business_seconds(record.created_at, at) // 60}


def rating(record: TicketHistory, now: int) -> Row:
    """Zendesk's own rating of a ticket: offered when it is solved, answered later or never."""
    answered, offered_at = rated(record, now), record.entered("closed", now)
    return {
        "id": record.id + 9_000_000,
        "score": _score(record, now) if answered else "offered",
        "ticket_id": record.id,
        "assignee_id": AGENT_BASE + record.agent,
        "group_id": group_id("Customer Care" if record.care else "Support"),
        "requester_id": CUSTOMER_BASE + record.id % 1000,
        "created_at": iso(offered_at),
        "updated_at": iso(record.rated_at if answered else offered_at),
    }


def agent(member: Employee, day: date) -> Row:
    """An employee; former ones are suspended and in no group."""
    active = member.works_on(day)
    left_at = None if active or member.last_day is None else midnight(member.last_day + timedelta(days=1))
    return {
        "id": AGENT_BASE + member.key,
        "name": member.name,
        "email": member.email,
        "role": "admin" if member.key == 0 else "agent",
        "active": True,
        "suspended": not active,
        "default_group_id": group_id(member.team) if active else None,
        "created_at": "2023-01-09T08:00:00Z",
        "updated_at": iso(left_at) or "2024-02-01T08:00:00Z",
    }


def customer(number: int) -> Row:
    """An end user; most users in the export are end users."""
    return {
        "id": CUSTOMER_BASE + number,
        "name": f"Customer {number}",
        "email": f"customer{number}@clients.example",
        "role": "end-user",
        "active": True,
        "suspended": False,
        "default_group_id": None,
        "created_at": "2023-03-01T08:00:00Z",
        "updated_at": "2023-03-01T08:00:00Z",
    }


def groups() -> list[Row]:
    """One group for each team."""
    return [
        {"id": group_id(name), "name": name, "deleted": False, "created_at": "2023-01-09T08:00:00Z"}
        for name, _, _ in TEAMS
    ]


def business_seconds(since: int, until: int) -> int:
    """Seconds of business hours between two instants."""
    day, last, seconds = local_day(since), local_day(until), 0
    while day <= last:
        if is_workday(day):
            opens, closes = midnight(day) + OPENS * 3600, midnight(day) + CLOSES * 3600
            seconds += max(0, min(until, closes) - max(since, opens))
        day += timedelta(days=1)
    return seconds
