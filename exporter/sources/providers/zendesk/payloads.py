"""From Zendesk's tickets, ratings, users and calls to records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from exporter.records import Call, Measurement, Person, Survey, Ticket
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow, attributes, epoch_instant, record_id, seconds_after, utc_instant

TICKET_STATES: Mapping[str, str] = MappingProxyType(
    {"new": "open", "open": "open", "pending": "pending", "hold": "pending", "solved": "solved", "closed": "closed"}
)
RATINGS: Mapping[str, float | None] = MappingProxyType(
    {
        "good": 1.0, "good_with_comment": 1.0, "good_without_comment": 1.0,
        "bad": 0.0, "bad_with_comment": 0.0, "bad_without_comment": 0.0,
        "offered": None, "unoffered": None,
    }
)  # fmt: skip
"""The score of a rating; None for one that was offered but not answered."""

CALL_STATES: Mapping[str, str] = MappingProxyType(
    {
        "completed": "answered", "answered": "answered",
        "abandoned_in_queue": "abandoned", "abandoned_in_voicemail": "abandoned", "abandoned_in_ivr": "abandoned",
        "abandoned_on_hold": "abandoned", "abandoned": "abandoned",
        "not_answered": "missed", "agent_declined": "missed", "agent_missed": "missed", "missed": "missed",
        "user_pickup": "answered", "in_progress": "answered",
        "voicemail": "voicemail", "busy": "busy", "user_canceled": "abandoned",
        "failed": "failed", "declined": "missed", "canceled": "abandoned", "transferred": "answered",
    }
)  # fmt: skip

_QUEUE_NUMBERS = ("calls_waiting", "callbacks_waiting", "average_wait_time", "longest_wait_time", "agents_online")


def ticket(row: VendorRow, groups: Mapping[str, str], rating_field: int | None = None) -> Ticket:
    """A ticket with its `metric_set`, if the row has one.

    `rating_field` is the id of the custom field with its rating; None for Zendesk's own rating.
    """
    updated_at = epoch_instant(row.get("generated_timestamp"), "updated_at")
    updated_at = updated_at or utc_instant(row.get("updated_at"), "updated_at")
    if row["status"] == "deleted":
        return Ticket(id=record_id(row), updated_at=updated_at, deleted=True)
    metrics: VendorRow = row.get("metric_set") or {}
    created_at = utc_instant(row["created_at"], "created_at")
    status = convert.choice(row["status"], "status", TICKET_STATES)
    return Ticket(
        id=record_id(row),
        updated_at=updated_at,
        status=status,
        priority=convert.text(row.get("priority"), "priority"),
        channel=convert.text((row.get("via") or {}).get("channel"), "channel"),
        queue=_queue(row.get("group_id"), groups),
        agent=convert.text(row.get("assignee_id"), "agent"),
        created_at=created_at,
        first_reply_at=_first_reply(created_at, metrics),
        solved_at=utc_instant(metrics.get("solved_at"), "solved_at") if status in ("solved", "closed") else None,
        reopens=convert.number(metrics.get("reopens"), "reopens"),
        satisfaction=_satisfaction(row, rating_field),
        attributes=attributes(
            {"type": row.get("type"), "tags": ", ".join(map(str, row.get("tags") or ())) or None},
        ),
    )


def _satisfaction(row: VendorRow, rating_field: int | None) -> float | None:
    """The ticket's rating; None if the custom field is empty or not on the ticket's form."""
    if rating_field is None:
        return RATINGS.get(str((row.get("satisfaction_rating") or {}).get("score", "unoffered")))
    values = {field.get("id"): field.get("value") for field in row.get("custom_fields") or ()}
    return convert.number(values.get(rating_field), "satisfaction")


def _first_reply(created_at: datetime | None, metrics: VendorRow) -> datetime | None:
    """Calculated from the calendar time since the creation: in whole minutes, and for Messaging in seconds too."""
    seconds, minutes = (
        convert.seconds((metrics.get(f"reply_time_in_{name}") or {}).get("calendar"), "first_reply_at", unit)
        for name, unit in (("seconds", "s"), ("minutes", "min"))
    )
    return seconds_after(created_at, minutes if seconds is None else seconds)


def survey(row: VendorRow) -> Survey | None:
    """An answered rating; None for one that was only offered."""
    score = convert.choice(row["score"], "score", RATINGS)
    if score is None:
        return None
    return Survey(
        id=record_id(row),
        updated_at=utc_instant(row.get("updated_at"), "updated_at"),
        kind="csat",
        score=score,
        scale_max=1.0,
        agent=convert.text(row.get("assignee_id"), "agent"),
        answered_at=utc_instant(row.get("updated_at") or row["created_at"], "answered_at"),
        attributes=attributes({"ticket": row.get("ticket_id") or None}),
    )


def person(row: VendorRow, groups: Mapping[str, str]) -> Person | None:
    """An agent or admin, in the team of the default group; None for customers.

    A removed agent becomes inactive, so that earlier tickets still show the name.
    """
    if row.get("role") == "end-user":
        return None
    return Person(
        id=record_id(row),
        updated_at=utc_instant(row.get("updated_at"), "updated_at"),
        name=convert.text(row.get("name"), "name"),
        email=convert.text(row.get("email"), "email"),
        team=groups.get(convert.text(row.get("default_group_id"), "team") or ""),
        active=row.get("active") is not False and not row.get("suspended"),
    )


def call(row: VendorRow, groups: Mapping[str, str]) -> Call:
    """A whole call: Talk lists its legs separately. Durations are in seconds, and null for failed calls."""
    started_at = utc_instant(row["created_at"], "started_at")
    duration = convert.seconds(row.get("duration"), "ended_at")
    status = "voicemail" if row.get("voicemail") else convert.choice(row["completion_status"], "status", CALL_STATES)
    answered = status == "answered"
    unattended = not answered and convert.flag(row.get("outside_business_hours"), "wait_seconds")
    wait = None if unattended else convert.seconds(row.get("wait_time"), "wait_seconds")
    return Call(
        id=record_id(row),
        updated_at=utc_instant(row.get("updated_at"), "updated_at"),
        direction=convert.choice(row["direction"], "direction", {"inbound": "inbound", "outbound": "outbound"}),
        status=status,
        queue=_queue(row.get("call_group_id"), groups),
        agent=convert.text(row.get("agent_id"), "agent"),
        started_at=started_at,
        answered_at=seconds_after(started_at, wait) if answered else None,
        ended_at=seconds_after(started_at, duration),
        wait_seconds=wait,
        talk_seconds=convert.seconds(row.get("talk_time"), "talk_seconds") if answered else None,
        hold_seconds=convert.seconds(row.get("hold_time"), "hold_seconds"),
        wrap_seconds=convert.seconds(row.get("wrap_up_time"), "wrap_seconds"),
        attributes=attributes({"ticket": row.get("ticket_id") or None}),
    )


def _queue(group: Any, groups: Mapping[str, str]) -> str | None:
    """A group's name, or its id if it was removed."""
    group_id = convert.text(group, "queue")
    return None if group_id is None else groups.get(group_id, group_id)


def measurements(row: VendorRow, now: datetime) -> list[Measurement]:
    """The current numbers of the queue, one record each."""
    return [
        Measurement(
            id=f"{name}@{int(now.timestamp())}",
            updated_at=now,
            name=name,
            value=convert.number(row[name], name),
            at=now,
        )
        for name in _QUEUE_NUMBERS
        if row.get(name) is not None
    ]
