"""From Zendesk's tickets, ratings, users and calls to records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Call, Measurement, Person, Survey, Ticket
from exporter.sources.parsing import convert

Row = Mapping[str, Any]

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
"""What a rating scores; offered ones have not been answered."""

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


def ticket(row: Row, groups: Mapping[str, str], rated_in: int | None = None) -> Ticket:
    """A ticket; `metric_set` comes with it where the export was asked for it.

    `rated_in` is the id of the field that holds its rating, None for Zendesk's own.
    """
    updated = convert.instant(row.get("generated_timestamp"), "updated_at", UTC, ("epoch",))
    updated = updated or _at(row.get("updated_at"), "updated_at")
    if row["status"] == "deleted":
        return Ticket(id=_id(row), updated_at=updated, deleted=True)
    metrics: Row = row.get("metric_set") or {}
    created_at = _at(row["created_at"], "created_at")
    status = convert.choice(row["status"], "status", TICKET_STATES)
    return Ticket(
        id=_id(row),
        updated_at=updated,
        status=status,
        priority=convert.text(row.get("priority"), "priority"),
        channel=convert.text((row.get("via") or {}).get("channel"), "channel"),
        queue=_queue(row.get("group_id"), groups),
        agent=convert.text(row.get("assignee_id"), "agent"),
        created_at=created_at,
        first_reply_at=_first_reply(created_at, metrics),
        solved_at=_at(metrics.get("solved_at"), "solved_at") if status in ("solved", "closed") else None,
        reopens=convert.number(metrics.get("reopens"), "reopens"),
        satisfaction=_rating(row) if rated_in is None else _number_in(row, rated_in),
        attributes=_attributes(row),
    )


def _rating(row: Row) -> float | None:
    return RATINGS.get(str((row.get("satisfaction_rating") or {}).get("score", "unoffered")))


def _number_in(row: Row, field: int) -> float | None:
    """A number in a field of one's own, None where it is empty or not on the ticket's form."""
    values = {one.get("id"): one.get("value") for one in row.get("custom_fields") or ()}
    return convert.number(values.get(field), "satisfaction")


def _attributes(row: Row) -> dict[str, str]:
    known = {"type": row.get("type"), "tags": ", ".join(map(str, row.get("tags") or ())) or None}
    texts = {name: convert.text(value, name) for name, value in known.items()}
    return {name: value for name, value in texts.items() if value is not None}


def _first_reply(created_at: datetime | None, metrics: Row) -> datetime | None:
    """Given as calendar time after the creation: in whole minutes, for tickets of Messaging in seconds too."""
    seconds, minutes = (
        convert.seconds((metrics.get(f"reply_time_in_{name}") or {}).get("calendar"), "first_reply_at", unit)
        for name, unit in (("seconds", "s"), ("minutes", "min"))
    )
    return _plus(created_at, minutes if seconds is None else seconds)


def survey(row: Row) -> Survey | None:
    """A rating that was answered; None for one that was only offered."""
    score = convert.choice(row["score"], "score", RATINGS)
    if score is None:
        return None
    return Survey(
        id=_id(row),
        updated_at=_at(row.get("updated_at"), "updated_at"),
        kind="csat",
        score=score,
        scale_max=1.0,
        agent=convert.text(row.get("assignee_id"), "agent"),
        answered_at=_at(row.get("updated_at") or row["created_at"], "answered_at"),
        attributes={"ticket": str(row["ticket_id"])} if row.get("ticket_id") else {},
    )


def person(row: Row, groups: Mapping[str, str]) -> Person | None:
    """An agent or admin, in the team of the default group; None for customers.

    Who was removed stays known, so that the tickets of before keep a name.
    """
    if row.get("role") == "end-user":
        return None
    return Person(
        id=_id(row),
        updated_at=_at(row.get("updated_at"), "updated_at"),
        name=convert.text(row.get("name"), "name"),
        email=convert.text(row.get("email"), "email"),
        team=groups.get(str(row.get("default_group_id"))),
        active=row.get("active") is not False and not row.get("suspended"),
    )


def call(row: Row, groups: Mapping[str, str]) -> Call:
    """A conversation, as Talk counts it: its legs are another list. Durations are seconds, null on failed calls."""
    started_at = _at(row["created_at"], "started_at")
    duration = convert.seconds(row.get("duration"), "ended_at")
    status = "voicemail" if row.get("voicemail") else convert.choice(row["completion_status"], "status", CALL_STATES)
    answered = status == "answered"
    nobody_there = not answered and convert.flag(row.get("outside_business_hours"), "wait_seconds")
    wait = None if nobody_there else convert.seconds(row.get("wait_time"), "wait_seconds")
    return Call(
        id=_id(row),
        updated_at=_at(row.get("updated_at"), "updated_at"),
        direction=convert.choice(row["direction"], "direction", {"inbound": "inbound", "outbound": "outbound"}),
        status=status,
        queue=_queue(row.get("call_group_id"), groups),
        agent=convert.text(row.get("agent_id"), "agent"),
        started_at=started_at,
        answered_at=_plus(started_at, wait) if answered else None,
        ended_at=_plus(started_at, duration),
        wait_seconds=wait,
        talk_seconds=convert.seconds(row.get("talk_time"), "talk_seconds") if answered else None,
        hold_seconds=convert.seconds(row.get("hold_time"), "hold_seconds"),
        wrap_seconds=convert.seconds(row.get("wrap_up_time"), "wrap_seconds"),
        attributes={"ticket": str(row["ticket_id"])} if row.get("ticket_id") else {},
    )


def _queue(group: Any, groups: Mapping[str, str]) -> str | None:
    """A group's name, or its id where it was removed."""
    key = convert.text(group, "queue")
    return None if key is None else groups.get(key, key)


def _plus(start: datetime | None, seconds: float | None) -> datetime | None:
    return None if start is None or seconds is None else start + timedelta(seconds=seconds)


def measurements(row: Row, now: datetime) -> list[Measurement]:
    """What the queue looks like at this moment, a number each."""
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


def _at(value: Any, field: str) -> datetime | None:
    return convert.instant(value, field, UTC)


def _id(row: Row) -> str:
    key = convert.text(row.get("id"), "id")
    if key is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    return key
