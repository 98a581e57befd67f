"""TaskRouter's statistics of a queue match the calls that wait for it."""

from __future__ import annotations

from exporter.demo.company.staff import Staff
from tests.demo.tiny_company import at, phone_call
from tests.vendors.twilio.queues import cumulative, queued_calls, real_time

PEOPLE = Staff(1).members
LINE = "Support line"


def test_only_callers_of_the_line_wait_for_it_and_nobody_at_night() -> None:
    calls = [
        phone_call(1, 0),
        phone_call(2, 1, inbound=False),
        phone_call(3, 2, line="Sales line"),
        phone_call(4, 3, answered_at=None, agent=None, missed_reason="out_of_opening_hours"),
    ]
    assert [call.id for call in queued_calls(calls, LINE)] == [1]


def test_real_time_statistics_count_waiting_and_connected_calls() -> None:
    calls = [phone_call(1, 0), phone_call(2, 1, answered_at=None, agent=None), phone_call(3, 5)]
    statistics = real_time(calls, LINE, PEOPLE, at(1.5))
    assert (statistics["total_tasks"], statistics["longest_task_waiting_age"]) == (2, 30)
    assert statistics["tasks_by_status"] == {"pending": 1, "reserved": 0, "assigned": 1, "wrapping": 0}
    assert (statistics["total_eligible_workers"], statistics["total_available_workers"]) == (10, 9)
    assert real_time(calls, LINE, PEOPLE, at(60))["longest_task_waiting_age"] == 0


def test_cumulative_statistics_count_entered_answered_and_abandoned_calls() -> None:
    calls = [
        phone_call(1, 0),
        phone_call(2, 1, answered_at=at(1) + 40),
        phone_call(3, 2, answered_at=None, agent=None, missed_reason="abandoned_in_ivr"),
        phone_call(4, 3, answered_at=None, agent=None, missed_reason="no_available_agent"),
        phone_call(5, 30),
    ]
    statistics = cumulative(calls, at(0), at(15))
    assert (statistics["tasks_entered"], statistics["tasks_completed"], statistics["tasks_canceled"]) == (4, 2, 2)
    assert statistics["wait_duration_until_accepted"] == {"avg": 30, "min": 20, "max": 40, "total": 60}
    assert statistics["reservations_created"] == 4
    assert cumulative(calls, at(40), at(50))["wait_duration_until_accepted"]["avg"] == 0
