"""The company's calls in Zendesk Talk's format: calls, their legs, and the current queue.

A call is listed while it is in progress, is complete when it ends, and gets its charge and ticket within three hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from exporter.demo.company.company import DemoCompany
from exporter.demo.company.entities import PhoneCall
from exporter.demo.company.rhythm import CLOSES, OPENS, is_workday, local_day, midnight
from tests.vendors.zendesk.pages import EXPORT_DELAY
from tests.vendors.zendesk.payloads import AGENT_BASE, CUSTOMER_BASE, Row, group_id, iso

PAGE = 1000

_SETTLED_AFTER = 6 * 3600
"""No row changes later than this many seconds after the start of its call."""
_COMPLETION_STATUS: Mapping[str, str] = MappingProxyType(
    {
        "short_abandoned": "abandoned_in_queue", "abandoned_in_classic": "abandoned_in_queue",
        "abandoned_in_ivr": "abandoned_in_ivr", "no_available_agent": "not_answered",
        "agents_did_not_answer": "agent_missed", "out_of_opening_hours": "not_answered",
    }
)  # fmt: skip
_TEAM_OF_LINE: Mapping[str, str] = MappingProxyType(
    {"Support line": "Support", "Customer Care line": "Customer Care", "Sales line": "Sales North"}
)


def settled_at(record: PhoneCall) -> int:
    """When charge, ticket and wrap-up are known: 40 minutes to three hours after the end of the call."""
    return record.ended_at + 2400 + record.id % 140 * 60


def changed_at(record: PhoneCall, now: int) -> int:
    """When the row last changed."""
    return max(at for at in (record.started_at, record.ended_at, settled_at(record)) if at <= now)


def call(record: PhoneCall, now: int) -> Row:
    """A call."""
    over, settled, answered_at = record.ended_at <= now, settled_at(record) <= now, record.answered_at
    outside = record.missed_reason == "out_of_opening_hours"
    waited = (answered_at or record.ended_at) - record.started_at
    tagged = record.tagged_at if answered_at else None
    return {
        "id": record.id,
        "created_at": iso(record.started_at),
        "updated_at": iso(changed_at(record, now)),
        "direction": "inbound" if record.inbound else "outbound",
        "completion_status": _completion_status(record) if over else None,
        "agent_id": None if record.agent is None or not over else AGENT_BASE + record.agent,
        "customer_id": CUSTOMER_BASE + record.id % 400,
        "call_group_id": group_id(_TEAM_OF_LINE[record.line]) if record.inbound else None,
        "phone_number": "+41440000000",
        "line_type": "phone",
        "duration": record.ended_at - record.started_at if over else None,
        "wait_time": (0 if outside else waited) if over and record.inbound else None,
        "time_to_answer": waited if over and answered_at else None,
        "talk_time": record.ended_at - answered_at if over and answered_at else None,
        "hold_time": 0 if over and answered_at else None,
        "wrap_up_time": min(300, tagged - record.ended_at) if settled and tagged else None,
        "ivr_time_spent": waited if over and record.missed_reason == "abandoned_in_ivr" else None,
        "outside_business_hours": outside,
        "exceeded_queue_wait_time": False,
        "voicemail": record.voicemail and over,
        "overflowed": False,
        "ticket_id": record.id + 30_000_000 if settled and answered_at and record.inbound else None,
        "call_charge": "0.012" if settled else None,
        "minutes_billed": -(-waited // 60) if settled else None,
    }


def _completion_status(record: PhoneCall) -> str:
    if record.answered_at is not None:
        return "completed"
    return _COMPLETION_STATUS[record.missed_reason] if record.missed_reason else "not_answered"


def legs(record: PhoneCall, now: int) -> Iterator[Row]:
    """The legs of a call: the customer's, and the agent's if there is one."""
    row = call(record, now)
    shared = {name: row[name] for name in ("created_at", "updated_at", "completion_status")}
    common = {"call_id": record.id, "duration": row["duration"], "quality_issues": ["none"], **shared}
    yield {"id": record.id * 2, "type": "customer", "user_id": row["customer_id"], "agent_id": None, **common}
    if row["agent_id"] is not None:
        times = {name: row[name] for name in ("talk_time", "hold_time", "wrap_up_time")}
        agent = {"user_id": row["agent_id"], "agent_id": row["agent_id"], "available_via": "browser"}
        yield {"id": record.id * 2 + 1, "type": "agent", **agent, **common, **times}


def changed_since(company: DemoCompany, since: int, now: int) -> Sequence[PhoneCall]:
    """At most one page of the calls whose rows changed from `since` on, in order of change, without the last minute.

    Of a long history only the next calls are examined. Later calls change later, so the page ends before them.
    """
    low, high = company.calls_between(since - _SETTLED_AFTER, now)
    records = company.calls.records
    cut = min(high, low + 3 * PAGE)
    bound = min(now - EXPORT_DELAY + 1, records[cut].started_at if cut < high else now)
    keyed = [(changed_at(record, now), record.id, record) for record in records[low:cut]]
    return [record for at, _, record in sorted(keyed, key=lambda key: key[:2]) if since <= at < bound][:PAGE]


def queue(company: DemoCompany, now: int) -> dict[str, Any]:
    """The callers who are waiting now."""
    low, high = company.calls_between(now - _SETTLED_AFTER, now)
    waits = [
        now - record.started_at
        for record in company.calls.records[low:high]
        if record.inbound
        and now < (record.answered_at or record.ended_at)
        and record.missed_reason != "out_of_opening_hours"
    ]
    day = local_day(now)
    opened = is_workday(day) and OPENS * 3600 <= now - midnight(day) < CLOSES * 3600
    return {
        "agents_online": sum(agent.works_on(day) for agent in company.staff.agents) if opened else 0,
        "calls_waiting": len(waits),
        "callbacks_waiting": 0,
        "average_wait_time": sum(waits) // len(waits) if waits else 0,
        "longest_wait_time": max(waits, default=0),
    }
