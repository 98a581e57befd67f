"""TaskRouter's statistics of a queue: in real time, and over an interval. Calls outside opening hours never reach a queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from exporter.demo.company.entities import PhoneCall
from exporter.demo.company.staff import Employee
from tests.vendors.twilio.legs import ANSWERING

MAX_CALL_SECONDS = 3 * 3600
"""The longest call that the statistics consider, in seconds."""

Statistics = dict[str, Any]


def queued_calls(calls: Iterable[PhoneCall], line: str) -> list[PhoneCall]:
    """The calls that waited in a line's queue."""
    return [
        call for call in calls if call.inbound and call.line == line and call.missed_reason != "out_of_opening_hours"
    ]


def real_time(calls: Sequence[PhoneCall], line: str, people: Sequence[Employee], now: int) -> Statistics:
    """RealTimeStatistics: waiting and connected calls, and the workers available for the next call."""
    in_progress = [call for call in calls if call.started_at <= now < call.ended_at]
    waiting = [call for call in in_progress if call.answered_at is None or call.answered_at > now]
    ages = [now - call.started_at for call in waiting]
    eligible = sum(member.team == ANSWERING[line] and member.last_day is None for member in people)
    talking = len(in_progress) - len(waiting)
    return {
        "total_tasks": len(in_progress),
        "tasks_by_status": {"pending": len(waiting), "reserved": 0, "assigned": talking, "wrapping": 0},
        "tasks_by_priority": {"0": len(in_progress)},
        "longest_task_waiting_age": max(ages, default=0),
        "longest_relative_task_age_in_queue": max(ages, default=0),
        "total_available_workers": max(eligible - talking, 0),
        "total_eligible_workers": eligible,
        "activity_statistics": [{"friendly_name": "Available", "workers": eligible}],
    }


def cumulative(calls: Sequence[PhoneCall], since: int, until: int) -> Statistics:
    """CumulativeStatistics of the calls that were received, answered and completed in [since, until]."""
    waits = [
        call.answered_at - call.started_at for call in calls if call.answered_at and since <= call.answered_at <= until
    ]
    endings = Counter(_task_status(call) for call in calls if since <= call.ended_at <= until)
    missed, canceled = endings["timed_out"], endings["canceled"]
    mean = round(sum(waits) / len(waits)) if waits else 0
    wait_times = {"avg": mean, "min": min(waits, default=0), "max": max(waits, default=0), "total": sum(waits)}
    return {
        "tasks_entered": sum(since <= call.started_at <= until for call in calls),
        "tasks_completed": endings["completed"],
        "tasks_canceled": canceled + missed,
        "tasks_deleted": 0,
        "tasks_moved": 0,
        "avg_task_acceptance_time": mean,
        "wait_duration_until_accepted": wait_times,
        "reservations_created": len(waits) + missed + canceled,
        "reservations_accepted": len(waits),
        "reservations_rejected": 0,
        "reservations_timed_out": missed,
        "reservations_canceled": canceled,
        "reservations_rescinded": 0,
    }


def _task_status(call: PhoneCall) -> str:
    if call.answered_at is not None:
        return "completed"
    return "canceled" if "abandoned" in str(call.missed_reason) else "timed_out"
