"""What became of a call, told by the events or rows it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from exporter.records import Call
from exporter.sources.parsing import convert
from exporter.sources.providers.asterisk.rows import CdrRow, Event

ENTRIES = frozenset({"ENTERQUEUE", "JOINEMPTY", "FULL"})
"""Events with which a call begins."""

OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "CONNECT": "answered", "ABANDON": "abandoned", "EXITWITHKEY": "abandoned", "EXITWITHTIMEOUT": "missed",
        "EXITEMPTY": "missed", "JOINEMPTY": "missed", "FULL": "missed",
    }
)  # fmt: skip
"""What each event makes of a call that no agent has taken yet; a caller who leaves by a key has given up waiting."""

TALK_ENDS = frozenset({"COMPLETEAGENT", "COMPLETECALLER", "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER"})
_WAITS = MappingProxyType({"ABANDON": 2, "EXITWITHTIMEOUT": 2, "EXITEMPTY": 2, "EXITWITHKEY": 3})
_DISPOSITIONS = MappingProxyType({"BUSY": "busy", "FAILED": "failed", "CONGESTION": "failed", "NO ANSWER": "missed"})


def queued(events: Sequence[Event]) -> Call | None:
    """A call by its events in the queue log; None where its beginning is not among them.

    CONNECT and COMPLETE count seconds, RINGNOANSWER milliseconds (Asterisk's app_queue).
    """
    first = next((event for event in events if event.name in ENTRIES), None)
    if first is None:
        return None
    entered = [event for event in events if event.name in ENTRIES]
    connect = next((event for event in events if event.name == "CONNECT"), None)
    decisive = connect or next((event for event in reversed(events) if event.name in OUTCOMES), None)
    ended = _last(events, connect)
    return Call(
        id=first.call,
        updated_at=events[-1].at,
        direction="inbound",
        status=OUTCOMES[decisive.name] if decisive else None,
        queue=(connect or entered[-1]).queue,
        agent=None if connect is None else connect.agent or None,
        started_at=first.at,
        answered_at=connect.at if connect else None,
        ended_at=ended.at if ended else None,
        wait_seconds=_wait(first, events, decisive),
        talk_seconds=_talk(events, connect),
        attributes=_rung(events),
    )


def _last(events: Sequence[Event], connect: Event | None) -> Event | None:
    """The event with which the call left the queues."""
    names = TALK_ENDS if connect else OUTCOMES.keys()
    return next((event for event in reversed(events) if event.name in names), None)


def _wait(first: Event, events: Sequence[Event], decisive: Event | None) -> float | None:
    """Seconds from entering the first queue: what the last one counted, and the time spent in those before."""
    if decisive is None:
        return None
    entry = next((one for one in reversed(events) if one.name == "ENTERQUEUE" and one.at <= decisive.at), first)
    place = 0 if decisive.name == "CONNECT" else _WAITS.get(decisive.name)
    told = None if place is None else convert.seconds(decisive.data[place], "wait_seconds")
    return (entry.at - first.at).total_seconds() + ((decisive.at - entry.at).total_seconds() if told is None else told)


def _talk(events: Sequence[Event], connect: Event | None) -> float | None:
    """Seconds of talk with all agents; None while nobody has hung up."""
    talks: list[float] = []
    began = None
    for event in events if connect else ():
        if event.name == "CONNECT":
            began = event.at
        elif event.name in TALK_ENDS and began is not None:
            told = convert.seconds(event.data[1], "talk_seconds") if event.name.startswith("COMPLETE") else None
            talks.append((event.at - began).total_seconds() if told is None else told)
            began = None
    return sum(talks) if talks else None


def _rung(events: Sequence[Event]) -> dict[str, str]:
    """How often and how long agents let it ring."""
    rung = [convert.seconds(event.data[0], "ring", "ms") or 0.0 for event in events if event.name == "RINGNOANSWER"]
    return {"rings_unanswered": str(len(rung)), "ring_seconds": f"{sum(rung):g}"} if rung else {}


def detailed(rows: Sequence[CdrRow], outbound: Sequence[str]) -> Call:
    """A call by its rows in the call detail records.

    Taken is what an agent's channel answered: a dialplan that plays music answers too, but to no channel.
    """
    first = rows[0]
    goes_out = first.context in outbound
    taken = _taken(rows)
    ended_at = max(row.at + timedelta(seconds=row.duration) for row in rows)
    answered_at = taken.at + timedelta(seconds=taken.duration - taken.billed) if taken else None
    agent = first.channel if goes_out else taken.to_channel if taken else ""
    return Call(
        id=first.call,
        updated_at=ended_at,
        direction="outbound" if goes_out else "inbound",
        status="answered" if taken else _untaken(rows),
        agent=_extension(agent),
        started_at=first.at,
        answered_at=answered_at,
        ended_at=ended_at,
        wait_seconds=((answered_at or ended_at) - first.at).total_seconds(),
        talk_seconds=taken.billed if taken else None,
    )


def _taken(rows: Sequence[CdrRow]) -> CdrRow | None:
    """The row of the longest talk; Local channels only stand for the real one behind them."""
    answered = [row for row in rows if row.disposition == "ANSWERED" and row.to_channel]
    real = [row for row in answered if not row.to_channel.startswith("Local/")]
    return max(real or answered, key=lambda row: row.billed, default=None)


def _untaken(rows: Sequence[CdrRow]) -> str | None:
    if any(row.app.lower() == "voicemail" for row in rows):
        return "voicemail"
    if any(row.disposition == "ANSWERED" for row in rows):
        return "abandoned"
    return convert.choice(rows[-1].disposition, "status", _DISPOSITIONS)


def _extension(channel: str) -> str | None:
    """`100` out of `PJSIP/100-0000002a`."""
    return channel.rpartition("/")[2].rpartition("-")[0].partition("@")[0] or None
