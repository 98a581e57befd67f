"""Activities and call logs."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from tests.sources.providers.pipedrive.passes import read
from tests.sources.providers.pipedrive.vendor import Pipedrive, iso
from tests.sources.source_context import NOW, by_id, records_of


@pytest.mark.parametrize(
    ("kind", "ours"),
    [("call", "call"), ("meeting", "meeting"), ("lunch", "meeting"), ("email", "email"), ("task", "task"),
     ("deadline", "task"), ("demo", "demo"), ("visit", "task")],
)  # fmt: skip
def test_each_type_of_activity_is_mapped(kind: str, ours: str) -> None:
    vendor = Pipedrive()
    vendor.activities[1] = {
        "id": 1, "type": kind, "owner_id": 7, "done": True, "add_time": iso(NOW), "update_time": iso(NOW),
        "marked_as_done_time": iso(NOW), "due_date": "2026-03-02", "due_time": "15:00:00", "is_deleted": False,
    }  # fmt: skip
    (found,) = records_of(read(vendor, "activities"))
    assert (found.kind, found.status, found.completed_at) == (ours, "done", NOW)
    assert found.due_at == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert found.attributes == {"type": kind}


def test_a_due_date_without_time_is_the_companys_day_and_deleted_activities_are_tombstones() -> None:
    vendor = Pipedrive()
    plain = {"type": "task", "owner_id": 7, "done": False, "add_time": iso(NOW), "update_time": iso(NOW)}
    vendor.activities[1] = {**plain, "id": 1, "due_date": "2026-03-02", "marked_as_done_time": iso(NOW)}
    vendor.activities[2] = {**plain, "id": 2, "is_deleted": True}
    vendor.activities[3] = {**plain, "id": 3}
    found = by_id(read(vendor, "activities"))
    assert found["1"].due_at == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert found["1"].completed_at is None
    assert found["2"].deleted
    assert found["3"].due_at is None


@pytest.mark.parametrize(
    ("outcome", "status", "talk"),
    [("connected", "answered", 61.0), ("no_answer", "missed", None), ("left_message", "voicemail", None),
     ("left_voicemail", "voicemail", None), ("wrong_number", "failed", None), ("busy", "busy", None)],
)  # fmt: skip
def test_each_outcome_of_a_call_log_is_mapped(outcome: str, status: str, talk: float | None) -> None:
    vendor = Pipedrive()
    times = {"start_time": "2026-03-01T10:00:00.000Z", "end_time": "2026-03-01T10:01:01.000Z"}
    vendor.calls = [{"id": "CA1", "outcome": outcome, "duration": "61", "user_id": 7, **times}]
    pages = read(vendor, "calls")
    (found,) = records_of(pages)
    assert (found.status, found.talk_seconds, found.agent) == (status, talk, "7")
    assert pages[-1].listing is None


def test_call_logs_follow_the_hint_where_the_next_page_starts() -> None:
    vendor = Pipedrive(page=20)
    times = {"start_time": "2026-03-01T10:00:00Z", "end_time": "2026-03-01T10:01:01Z"}
    vendor.calls = [{"id": f"CA{n}", "outcome": "busy", "duration": "0", **times} for n in range(45)]
    assert len(by_id(read(vendor, "calls"))) == 45


def test_call_logs_continue_by_number_of_rows_without_a_hint() -> None:
    """Pitfall: the file's schema of the hint has no `next_start`."""

    def unsaid(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["start"])
        rows = [{"id": f"CA{start + n}", "outcome": "busy", "duration": "0", **times} for n in range(20)]
        hint = {"start": start, "limit": 20, "more_items_in_collection": start < 40}
        return httpx.Response(200, json={"success": True, "data": rows, "additional_data": {"pagination": hint}})

    times = {"start_time": "2026-03-01T10:00:00Z", "end_time": "2026-03-01T10:01:01Z"}
    assert len(by_id(read(Pipedrive(before=unsaid), "calls"))) == 60
