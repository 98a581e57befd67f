"""What TaskRouter says of a queue: as it is now, and over a span. Calls at night never reach one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from exporter.demo.company.entities import PhoneCall
from exporter.demo.company.staff import Employee
from tests.vendors.twilio.legs import ANSWERING

LONGEST = 3 * 3600
"""Seconds that a call may have gone on, so far as queues are concerned."""

Numbers = dict[str, Any]


def queued(calls: Iterable[PhoneCall], line: str) -> list[PhoneCall]:
    """The calls that waited for a line."""
    return [one for one in calls if one.inbound and one.line == line and one.missed_reason != "out_of_opening_hours"]


def real_time(calls: Sequence[PhoneCall], line: str, people: Sequence[Employee], now: int) -> Numbers:
    """RealTimeStatistics: who waits, who talks, and how many could take the next call."""
    going_on = [one for one in calls if one.started_at <= now < one.ended_at]
    waiting = [one for one in going_on if one.answered_at is None or one.answered_at > now]
    ages = [now - one.started_at for one in waiting]
    eligible = sum(one.team == ANSWERING[line] and one.last_day is None for one in people)
    talking = len(going_on) - len(waiting)
    return {
        "total_tasks": len(going_on),
        "tasks_by_status": {"pending": len(waiting), "reserved": 0, "assigned": talking, "wrapping": 0},
        "tasks_by_priority": {"0": len(going_on)},
        "longest_task_waiting_age": max(ages, default=0),
        "longest_relative_task_age_in_queue": max(ages, default=0),
        "total_available_workers": max(eligible - talking, 0),
        "total_eligible_workers": eligible,
        "activity_statistics": [{"friendly_name": "Available", "workers": eligible}],
    }


def cumulative(calls: Sequence[PhoneCall], since: int, until: int) -> Numbers:
    """CumulativeStatistics of the calls that came, were taken and ended from `since` up to and including `until`."""
    waits = [one.answered_at - one.started_at for one in calls if one.answered_at and since <= one.answered_at <= until]
    ends = Counter(_ending(one) for one in calls if since <= one.ended_at <= until)
    missed, canceled = ends["timed_out"], ends["canceled"]
    mean = round(sum(waits) / len(waits)) if waits else 0
    spread = {"avg": mean, "min": min(waits, default=0), "max": max(waits, default=0), "total": sum(waits)}
    return {
        "tasks_entered": sum(since <= one.started_at <= until for one in calls),
        "tasks_completed": ends["completed"],
        "tasks_canceled": canceled + missed,
        "tasks_deleted": 0,
        "tasks_moved": 0,
        "avg_task_acceptance_time": mean,
        "wait_duration_until_accepted": spread,
        "reservations_created": len(waits) + missed + canceled,
        "reservations_accepted": len(waits),
        "reservations_rejected": 0,
        "reservations_timed_out": missed,
        "reservations_canceled": canceled,
        "reservations_rescinded": 0,
    }


def _ending(call: PhoneCall) -> str:
    if call.answered_at is not None:
        return "completed"
    return "canceled" if "abandoned" in str(call.missed_reason) else "timed_out"
