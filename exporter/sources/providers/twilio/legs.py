"""Joins legs to conversations: for Twilio each dialed agent is a separate call whose parent is the caller's call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Call
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow, attributes, record_id

STATES: Mapping[str, str] = MappingProxyType(
    {
        "completed": "answered", "busy": "busy", "failed": "failed", "no-answer": "missed", "canceled": "abandoned",
        "queued": "", "ringing": "", "in-progress": "",
    }
)  # fmt: skip
"""Status of a call without legs; a call in progress has none."""

DIRECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "inbound": "inbound", "trunking-terminating": "outbound", "trunking-originating": "inbound",
        "outbound-api": "outbound", "outbound-dial": "outbound",
    }
)  # fmt: skip

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call and the legs that were dialed for it."""

    root: VendorRow
    legs: tuple[VendorRow, ...]


def conversations(rows: Iterable[VendorRow]) -> list[Conversation]:
    """Calls with their legs. A leg whose call is not among the rows is ignored: the day of that call has it."""
    roots: dict[str, VendorRow] = {}
    legs: dict[str, dict[str, VendorRow]] = {}
    for row in rows:
        if row.get("parent_call_sid"):
            legs.setdefault(str(row["parent_call_sid"]), {})[str(row["sid"])] = row
        else:
            roots[str(row["sid"])] = row
    return [Conversation(root, _in_order(legs.get(sid, {}).values())) for sid, root in roots.items()]


def _in_order(legs: Iterable[VendorRow]) -> tuple[VendorRow, ...]:
    """In the order of dialing: lists come newest first."""
    return tuple(sorted(legs, key=lambda leg: instant(leg.get("start_time"), "started_at") or _LAST))


def call(conversation: Conversation, numbers: Mapping[str, str]) -> Call:
    """The record of a conversation. `numbers` is the name by phone number of the account's own numbers.

    A leg's duration counts from the moment it was answered, so it was answered at its end minus its duration. The
    caller waited from the start of the call until then, or until the end of a call that nobody answered; talk time is
    the duration of the answered leg alone. A machine is not an agent. The queue is the name of the number that
    was called, or that the customer was shown.
    """
    root = conversation.root
    started_at, ended_at = instant(root.get("start_time"), "started_at"), instant(root.get("end_time"), "ended_at")
    completed_leg = _completed_leg(conversation)
    answered_leg = None if completed_leg is None or _by_machine(completed_leg) else completed_leg
    answered_at, talk = _talk(answered_leg) if answered_leg is not None else (None, None)
    return Call(
        id=record_id(root, "sid"),
        updated_at=instant(root.get("date_updated"), "updated_at"),
        direction=_direction(root),
        status=_status(conversation, completed_leg),
        queue=_queue(conversation, numbers),
        agent=_agent(conversation, answered_leg),
        started_at=started_at,
        answered_at=answered_at,
        ended_at=ended_at,
        wait_seconds=_between(started_at, _waited_until(conversation, completed_leg, ended_at)),
        talk_seconds=talk,
        attributes=_attributes(root),
    )


def _completed_leg(conversation: Conversation) -> VendorRow | None:
    """The leg with the longest talk, with a person or a machine; a call without legs is its own leg."""
    if not conversation.legs:
        return conversation.root if conversation.root["status"] == "completed" else None
    completed = [leg for leg in conversation.legs if leg["status"] == "completed" and (_duration(leg) or 0) > 0]
    return max(completed, key=lambda leg: _duration(leg) or 0, default=None)


def _by_machine(leg: VendorRow) -> bool:
    return str(leg.get("answered_by") or "").startswith("machine")


def _waited_until(
    conversation: Conversation, completed_leg: VendorRow | None, ended_at: datetime | None
) -> datetime | None:
    """When the wait was over; None if no person was rung."""
    rung = [leg for leg in conversation.legs or (conversation.root,) if not _by_machine(leg)]
    if not rung or (completed_leg is None and not conversation.legs):
        return None
    return ended_at if completed_leg is None else _talk(completed_leg)[0]


def _status(conversation: Conversation, completed_leg: VendorRow | None) -> str | None:
    if completed_leg is not None:
        return "voicemail" if _by_machine(completed_leg) else "answered"
    if not conversation.legs:
        return convert.choice(conversation.root["status"], "status", STATES) or None
    if any(not STATES.get(str(leg["status"]), "x") for leg in conversation.legs):
        return None
    # nobody answered although the caller's own leg completed: the leg dialed last says why
    last = STATES.get(str(conversation.legs[-1]["status"]), "missed")
    return "missed" if last == "answered" else last


def _talk(leg: VendorRow) -> tuple[datetime | None, float | None]:
    """When a leg was answered, and its duration."""
    ended_at, duration = instant(leg.get("end_time"), "ended_at"), _duration(leg)
    return (None if ended_at is None or duration is None else ended_at - timedelta(seconds=duration)), duration


def _duration(leg: VendorRow) -> float | None:
    """Seconds, which Twilio sends as text."""
    return convert.seconds(leg.get("duration"), "talk_seconds")


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else max((end - start).total_seconds(), 0.0)


def _direction(root: VendorRow) -> str | None:
    """The direction. A call placed by an own client or desk phone is inbound to Twilio, which then dials out."""
    direction = convert.choice(root["direction"], "direction", DIRECTIONS)
    return "outbound" if root["direction"] == "inbound" and _is_own(root.get("from")) else direction


def _agent(conversation: Conversation, answered_leg: VendorRow | None) -> str | None:
    """Who answered. For an outbound call it is who dialed, answered or not, and never the customer's number."""
    root = conversation.root
    answered_by = answered_leg["to"] if answered_leg is not None and conversation.legs else None
    if _direction(root) == "inbound":
        return party(answered_by)
    rung = root.get("to") if root["direction"] == "outbound-api" else None
    return next((party(address) for address in (root.get("from"), rung, answered_by) if _is_own(address)), None)


def _queue(conversation: Conversation, numbers: Mapping[str, str]) -> str | None:
    """The name of the own number of the call; a leg's `from` is the number that a customer was shown."""
    root, legs = conversation.root, conversation.legs
    addresses = (root.get("to"), root.get("from"), *(leg.get("from") for leg in legs))
    return next((name for address in addresses if (name := numbers.get(str(address)))), None)


def _is_own(address: Any) -> bool:
    """Whether an address is a client, or a SIP user with a name: carriers' SIP addresses have numbers."""
    kind, _, name = str(address or "").partition(":")
    return kind == "client" or (kind == "sip" and not name.partition("@")[0].strip("+").isdigit())


def party(address: Any) -> str | None:
    """Whom an address names: `client:ada` and `sip:ada@office.example` are ada, a number is a number."""
    text = convert.text(address, "agent")
    if text and text.startswith("client:"):
        return text.removeprefix("client:")
    return text.removeprefix("sip:").partition("@")[0] if text and text.startswith("sip:") else text


def _attributes(root: VendorRow) -> dict[str, str]:
    """Queue time is in milliseconds, unlike durations. The price arrives later, as a negative number."""
    queue_seconds = convert.seconds(root.get("queue_time"), "queue_time", "ms")
    return attributes(
        {"queue_seconds": queue_seconds, "price": root.get("price"), "price_unit": root.get("price_unit")}
    )


def instant(value: Any, field: str) -> datetime | None:
    """An instant of the 2010 API, in the format of emails; raises InvalidRecordError(BAD_TIME)."""
    if value in (None, ""):
        return None
    try:
        return parsedate_to_datetime(str(value)).astimezone(UTC)
    except (TypeError, ValueError):
        raise InvalidRecordError(Reason.BAD_TIME, field) from None
