"""Legs to conversations: each dialled agent is a call of its own at Twilio, with the caller's call as its parent."""

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

Row = Mapping[str, Any]

STATES: Mapping[str, str] = MappingProxyType(
    {
        "completed": "answered", "busy": "busy", "failed": "failed", "no-answer": "missed", "canceled": "abandoned",
        "queued": "", "ringing": "", "in-progress": "",
    }
)  # fmt: skip
"""What became of a call without legs; one that still goes on has no status."""

DIRECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "inbound": "inbound", "trunking-terminating": "outbound", "trunking-originating": "inbound",
        "outbound-api": "outbound", "outbound-dial": "outbound",
    }
)  # fmt: skip

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call and the legs that were dialled for it."""

    root: Row
    legs: tuple[Row, ...]


def root_sid(row: Row) -> str:
    """The call that a row belongs to."""
    return str(row.get("parent_call_sid") or row["sid"])


def conversations(rows: Iterable[Row]) -> list[Conversation]:
    """Rows by the call they belong to. A leg whose call is not among the rows is left out: it is counted there."""
    roots: dict[str, Row] = {}
    legs: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row.get("parent_call_sid"):
            legs.setdefault(root_sid(row), {})[str(row["sid"])] = row
        else:
            roots[str(row["sid"])] = row
    return [Conversation(root, _in_order(legs.get(sid, {}).values())) for sid, root in roots.items()]


def _in_order(legs: Iterable[Row]) -> tuple[Row, ...]:
    """As they were dialled: lists come newest first."""
    return tuple(sorted(legs, key=lambda leg: instant(leg.get("start_time"), "started_at") or _LAST))


def call(conversation: Conversation, numbers: Mapping[str, str]) -> Call:
    """The conversation's record.

    A leg's duration counts from the moment it was answered, so answering is its end less its duration. Waiting
    is what lies between the caller's beginning and that, or the end of a call that nobody took; talking is the
    answered leg's duration alone. A machine answers nobody. `numbers` are the account's own telephone numbers with
    their names: the one that was called, or that the customer was shown, is the queue.
    """
    root = conversation.root
    started_at, ended_at = instant(root.get("start_time"), "started_at"), instant(root.get("end_time"), "ended_at")
    taken = _answered_leg(conversation)
    answered = None if taken is None or _by_machine(taken) else taken
    answered_at, talk = _talk(answered) if answered is not None else (None, None)
    sid = convert.text(root.get("sid"), "id")
    if sid is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    return Call(
        id=sid,
        updated_at=instant(root.get("date_updated"), "updated_at"),
        direction=_direction(root),
        status=_status(conversation, taken),
        queue=_queue(conversation, numbers),
        agent=_agent(conversation, answered),
        started_at=started_at,
        answered_at=answered_at,
        ended_at=ended_at,
        wait_seconds=_between(started_at, _waited_until(conversation, taken, ended_at)),
        talk_seconds=talk,
        attributes=_attributes(root),
    )


def _answered_leg(conversation: Conversation) -> Row | None:
    """The leg on which two people talked; a call without legs is its own."""
    if not conversation.legs:
        return conversation.root if conversation.root["status"] == "completed" else None
    talked = [leg for leg in conversation.legs if leg["status"] == "completed" and (_length(leg) or 0) > 0]
    return max(talked, key=lambda leg: _length(leg) or 0, default=None)


def _by_machine(leg: Row) -> bool:
    return str(leg.get("answered_by") or "").startswith("machine")


def _waited_until(conversation: Conversation, taken: Row | None, ended_at: datetime | None) -> datetime | None:
    """When waiting was over; None where no person was rung, for whom one could have waited."""
    rung = [leg for leg in conversation.legs or (conversation.root,) if not _by_machine(leg)]
    if not rung or (taken is None and not conversation.legs):
        return None
    return ended_at if taken is None else _talk(taken)[0]


def _status(conversation: Conversation, taken: Row | None) -> str | None:
    if taken is not None:
        return "voicemail" if _by_machine(taken) else "answered"
    if not conversation.legs:
        return convert.choice(conversation.root["status"], "status", STATES) or None
    if any(not STATES.get(str(leg["status"]), "x") for leg in conversation.legs):
        return None
    # the caller's own leg completed without anybody: whoever was dialled last says why
    last = STATES.get(str(conversation.legs[-1]["status"]), "missed")
    return "missed" if last == "answered" else last


def _talk(leg: Row) -> tuple[datetime | None, float | None]:
    ended, length = instant(leg.get("end_time"), "ended_at"), _length(leg)
    return (None if ended is None or length is None else ended - timedelta(seconds=length)), length


def _length(leg: Row) -> float | None:
    """Seconds, which Twilio writes as text."""
    return convert.seconds(leg.get("duration"), "talk_seconds")


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else max((end - start).total_seconds(), 0.0)


def _direction(root: Row) -> str | None:
    """What one of us dials from a browser or a desk phone comes in to Twilio, and goes out from there."""
    found = convert.choice(root["direction"], "direction", DIRECTIONS)
    return "outbound" if root["direction"] == "inbound" and _is_ours(root.get("from")) else found


def _agent(conversation: Conversation, answered: Row | None) -> str | None:
    """Who of us was in the call. Going out it is whoever dialled, answered or not, and never a customer's number."""
    root = conversation.root
    taker = answered["to"] if answered is not None and conversation.legs else None
    if _direction(root) == "inbound":
        return party(taker)
    rung = root.get("to") if root["direction"] == "outbound-api" else None
    return next((party(address) for address in (root.get("from"), rung, taker) if _is_ours(address)), None)


def _queue(conversation: Conversation, numbers: Mapping[str, str]) -> str | None:
    """A call of ours is shown to the customer with the number from which its leg was dialled."""
    root, legs = conversation.root, conversation.legs
    addresses = (root.get("to"), root.get("from"), *(leg.get("from") for leg in legs))
    return next((name for address in addresses if (name := numbers.get(str(address)))), None)


def _is_ours(address: Any) -> bool:
    """A client, or a SIP user with a name: carriers' SIP addresses hold numbers."""
    kind, _, rest = str(address or "").partition(":")
    return kind == "client" or (kind == "sip" and not rest.partition("@")[0].strip("+").isdigit())


def party(address: Any) -> str | None:
    """Whom an address means: `client:ada` and `sip:ada@office.example` are ada, a number is a number."""
    text = convert.text(address, "agent")
    if text and text.startswith("client:"):
        return text.removeprefix("client:")
    return text.removeprefix("sip:").partition("@")[0] if text and text.startswith("sip:") else text


def _attributes(root: Row) -> dict[str, str]:
    """Queue time is milliseconds where durations are seconds; the price comes later and as a negative number."""
    queued = convert.seconds(root.get("queue_time"), "queue_time", "ms")
    known = {
        "queue_seconds": convert.text(queued, "queue_seconds"),
        "price": convert.text(root.get("price"), "price"),
        "price_unit": convert.text(root.get("price_unit"), "price_unit"),
    }
    return {name: value for name, value in known.items() if value is not None}


def instant(value: Any, field: str) -> datetime | None:
    """An instant of the 2010 API, in the manner of e-mails; raises InvalidRecordError(BAD_TIME)."""
    if value in (None, ""):
        return None
    try:
        return parsedate_to_datetime(str(value)).astimezone(UTC)
    except (TypeError, ValueError):
        raise InvalidRecordError(Reason.BAD_TIME, field) from None
