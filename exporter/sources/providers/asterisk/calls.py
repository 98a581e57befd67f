"""From the events of the queue log, or the rows of the call detail records, to the calls that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

from exporter.records import Call
from exporter.sources.parsing import convert
from exporter.sources.providers.asterisk.rows import CdrRow, QueueEvent

LONGEST_CALL = timedelta(hours=12)
"""A call without rows for this long is over."""
_ROWS_BETWEEN_CLEARING = 1000

ENTRIES = frozenset({"ENTERQUEUE", "JOINEMPTY", "FULL"})
"""Events that begin a call."""

OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "CONNECT": "answered", "ABANDON": "abandoned", "EXITWITHKEY": "abandoned", "EXITWITHTIMEOUT": "missed",
        "EXITEMPTY": "missed", "JOINEMPTY": "missed", "FULL": "missed",
    }
)  # fmt: skip
"""Event to the status of a call that no agent has answered; a caller who leaves with a key gave up waiting."""

TALK_ENDS = frozenset({"COMPLETEAGENT", "COMPLETECALLER", "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER"})
_WAIT_INDEX = MappingProxyType({"CONNECT": 0, "ABANDON": 2, "EXITWITHTIMEOUT": 2, "EXITEMPTY": 2, "EXITWITHKEY": 3})
_DISPOSITIONS = MappingProxyType({"BUSY": "busy", "FAILED": "failed", "CONGESTION": "failed", "NO ANSWER": "missed"})

CallRow = TypeVar("CallRow", QueueEvent, CdrRow)


def grouped(rows: Iterable[CallRow]) -> Iterator[list[CallRow]]:
    """The rows of each call together, from rows in the order of time. Only calls that may continue stay in memory."""
    open_calls: dict[str, list[CallRow]] = {}
    for count, row in enumerate(rows, 1):
        open_calls.setdefault(row.call, []).append(row)
        if count % _ROWS_BETWEEN_CLEARING == 0:
            for call in [key for key, group in open_calls.items() if row.at - group[-1].at > LONGEST_CALL]:
                yield open_calls.pop(call)
    yield from open_calls.values()


def in_order(events: Iterable[QueueEvent], zone: ZoneInfo) -> list[QueueEvent]:
    """The events of a call in the order in which they were written.

    Times without a zone do not increase in the hour that repeats in autumn. An event that seems to precede its
    predecessor there belongs to the second occurrence.
    """
    ordered: list[QueueEvent] = []
    for event in sorted(events, key=lambda event: event.number):
        second = event.at.astimezone(zone).replace(fold=1).astimezone(UTC)
        repeats = ordered and event.at < ordered[-1].at <= second
        ordered.append(replace(event, at=second) if repeats else event)
    return ordered


def queued(events: Sequence[QueueEvent]) -> Call | None:
    """The call of these queue log events; None if its beginning is not among them.

    CONNECT and COMPLETE count seconds, RINGNOANSWER milliseconds (Asterisk's app_queue).
    """
    entries = [event for event in events if event.name in ENTRIES]
    if not entries:
        return None
    connect = next((event for event in events if event.name == "CONNECT"), None)
    decisive = connect or next((event for event in reversed(events) if event.name in OUTCOMES), None)
    end_names = TALK_ENDS if connect else OUTCOMES.keys()
    end = next((event for event in reversed(events) if event.name in end_names), None)
    return Call(
        id=entries[0].call,
        updated_at=events[-1].at,
        direction="inbound",
        status=OUTCOMES[decisive.name] if decisive else None,
        queue=(connect or entries[-1]).queue,
        agent=None if connect is None else connect.agent or None,
        started_at=entries[0].at,
        answered_at=connect.at if connect else None,
        ended_at=end.at if end else None,
        wait_seconds=_wait(entries[0], events, decisive),
        talk_seconds=_talk(events, connect),
        attributes=_unanswered_rings(events),
    )


def _wait(first: QueueEvent, events: Sequence[QueueEvent], decisive: QueueEvent | None) -> float | None:
    """Seconds since the call entered the first queue: the last queue's own count, and the time in those before."""
    if decisive is None:
        return None
    entries = (event for event in reversed(events) if event.name == "ENTERQUEUE" and event.at <= decisive.at)
    entry, index = next(entries, first), _WAIT_INDEX.get(decisive.name)
    counted = None if index is None else convert.seconds(decisive.data[index], "wait_seconds")
    wait = (decisive.at - entry.at).total_seconds() if counted is None else counted
    return (entry.at - first.at).total_seconds() + wait


def _talk(events: Sequence[QueueEvent], connect: QueueEvent | None) -> float | None:
    """Seconds of talk with all agents; None until somebody hangs up."""
    talks: list[float] = []
    began = None
    for event in events if connect else ():
        if event.name == "CONNECT":
            began = event.at
        elif event.name in TALK_ENDS and began is not None:
            counted = convert.seconds(event.data[1], "talk_seconds") if event.name.startswith("COMPLETE") else None
            talks.append((event.at - began).total_seconds() if counted is None else counted)
            began = None
    return sum(talks) if talks else None


def _unanswered_rings(events: Sequence[QueueEvent]) -> dict[str, str]:
    """How often and how long phones of agents rang without an answer."""
    rings = [convert.seconds(event.data[0], "ring", "ms") or 0.0 for event in events if event.name == "RINGNOANSWER"]
    return {"rings_unanswered": str(len(rings)), "ring_seconds": f"{sum(rings):g}"} if rings else {}


def detailed(rows: Sequence[CdrRow], outbound_contexts: Sequence[str]) -> Call:
    """The call of these call detail records.

    It was answered if a channel answered it: a dialplan that plays music answers too, but has no channel.
    """
    first = rows[0]
    outbound = first.context in outbound_contexts
    answered = _answered_row(rows)
    ended_at = max(row.at + timedelta(seconds=row.duration) for row in rows)
    answered_at = answered.at + timedelta(seconds=answered.duration - answered.billed) if answered else None
    agent = first.channel if outbound else answered.to_channel if answered else ""
    return Call(
        id=first.call,
        updated_at=ended_at,
        direction="outbound" if outbound else "inbound",
        status="answered" if answered else _unanswered_status(rows),
        agent=_extension(agent),
        started_at=first.at,
        answered_at=answered_at,
        ended_at=ended_at,
        wait_seconds=((answered_at or ended_at) - first.at).total_seconds(),
        talk_seconds=answered.billed if answered else None,
    )


def _answered_row(rows: Sequence[CdrRow]) -> CdrRow | None:
    """The row of the longest talk; a Local channel only represents the real one behind it."""
    answered = [row for row in rows if row.disposition == "ANSWERED" and row.to_channel]
    real = [row for row in answered if not row.to_channel.startswith("Local/")]
    return max(real or answered, key=lambda row: row.billed, default=None)


def _unanswered_status(rows: Sequence[CdrRow]) -> str | None:
    if any(row.app.lower() == "voicemail" for row in rows):
        return "voicemail"
    if any(row.disposition == "ANSWERED" for row in rows):
        return "abandoned"
    return convert.choice(rows[-1].disposition, "status", _DISPOSITIONS)


def _extension(channel: str) -> str | None:
    """`100` from `PJSIP/100-0000002a`."""
    return channel.rpartition("/")[2].rpartition("-")[0].partition("@")[0] or None
