"""How tickets, ratings, calls and people are read from Zendesk's rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.sources.providers.zendesk.payloads import CALL_STATES, RATINGS, call, measurements, person, survey, ticket

GROUPS = {"2": "Second line"}
TICKET: dict[str, Any] = {
    "id": 5, "status": "open", "priority": "urgent", "via": {"channel": "web"}, "group_id": 2, "assignee_id": 7,
    "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T11:00:00Z", "generated_timestamp": 1772370000,
    "type": "question", "tags": ["a", "b"], "satisfaction_rating": {"score": "good"},
    "metric_set": {
        "reply_time_in_minutes": {"calendar": 90, "business": 10}, "solved_at": "2026-03-02T10:00:00Z", "reopens": 2,
    },
}  # fmt: skip
CALL: dict[str, Any] = {
    "id": 9, "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T13:00:00Z", "direction": "inbound",
    "completion_status": "completed", "agent_id": 7, "call_group_id": 2, "wait_time": 15, "duration": 130,
    "talk_time": 100, "hold_time": 10, "wrap_up_time": 20, "voicemail": False, "ticket_id": 5,
}  # fmt: skip
UNSET: dict[str, Any] = {
    "wait_time": None, "duration": None, "talk_time": None, "hold_time": None, "wrap_up_time": None,
    "agent_id": None, "call_group_id": None, "ticket_id": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("zendesk_status", "status"),
    [
        ("new", "open"), ("open", "open"), ("pending", "pending"), ("hold", "pending"), ("solved", "solved"),
        ("closed", "closed"),
    ],
)  # fmt: skip
def test_each_status_of_a_ticket_is_mapped(zendesk_status: str, status: str) -> None:
    assert ticket({**TICKET, "status": zendesk_status}, GROUPS).status == status


def test_a_ticket_includes_its_metrics() -> None:
    record = ticket({**TICKET, "status": "solved"}, GROUPS)
    assert (record.id, record.priority, record.channel, record.queue, record.agent) == (
        "5", "urgent", "web", "Second line", "7",
    )  # fmt: skip
    assert record.first_reply_at == datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
    assert record.solved_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (record.reopens, record.satisfaction) == (2.0, 1.0)
    assert record.attributes == {"type": "question", "tags": "a, b"}


@pytest.mark.parametrize(
    ("metrics", "seconds"),
    [
        ({"reply_time_in_minutes": {"calendar": 2, "business": 0}}, 120),
        ({"reply_time_in_minutes": {"calendar": 2}, "reply_time_in_seconds": {"calendar": 101}}, 101),
        ({"reply_time_in_minutes": {"calendar": 2}, "reply_time_in_seconds": {"calendar": None}}, 120),
        ({"reply_time_in_minutes": {"calendar": 0}}, 0),
    ],
)
def test_the_first_reply_is_given_in_seconds_or_whole_minutes(metrics: dict[str, Any], seconds: int) -> None:
    record = ticket({**TICKET, "metric_set": metrics}, GROUPS)
    assert record.first_reply_at is not None
    assert record.created_at is not None
    assert (record.first_reply_at - record.created_at).total_seconds() == seconds


@pytest.mark.parametrize(
    ("fields", "rating"),
    [
        ([{"id": 77, "value": "4"}, {"id": 78, "value": "x"}], 4.0),
        ([{"id": 77, "value": 4.5}], 4.5),
        ([{"id": 77, "value": None}], None),
        ([], None),
        (None, None),
    ],
)
def test_a_rating_may_be_in_a_custom_field(fields: Any, rating: float | None) -> None:
    """Zendesk's own ratings are only good or bad; survey tools write stars into a custom field."""
    row = {**TICKET, "custom_fields": fields}
    assert ticket(row, GROUPS, 77).satisfaction == rating
    assert ticket(row, GROUPS).satisfaction == 1.0


def test_a_reopened_ticket_is_no_longer_solved() -> None:
    assert ticket(TICKET, GROUPS).solved_at is None


def test_the_version_of_a_ticket_is_when_its_row_was_generated() -> None:
    """Pitfall: system changes move generated_timestamp, but not updated_at."""
    assert ticket(TICKET, GROUPS).updated_at == datetime.fromtimestamp(1772370000, UTC)
    older = {name: value for name, value in TICKET.items() if name != "generated_timestamp"}
    assert ticket(older, GROUPS).updated_at == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_a_deleted_ticket_is_a_tombstone_although_few_fields_are_left() -> None:
    record = ticket({"id": 5, "status": "deleted", "generated_timestamp": 1772370000}, {})
    assert (record.id, record.deleted) == ("5", True)


def test_a_ticket_without_metrics_has_no_replies_and_a_removed_group_is_named_by_its_id() -> None:
    bare = {"id": 5, "status": "new", "created_at": "2026-03-01T10:00:00Z", "group_id": 99}
    record = ticket(bare, GROUPS)
    assert (record.first_reply_at, record.solved_at, record.queue, record.agent, record.attributes) == (
        None, None, "99", None, {},
    )  # fmt: skip
    assert ticket({**bare, "group_id": None}, GROUPS).queue is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**TICKET, "id": None}, Reason.MISSING_FIELD),
        ({**TICKET, "status": "brand_new"}, Reason.UNKNOWN_VALUE),
        ({**TICKET, "metric_set": {"reply_time_in_minutes": {"calendar": "x"}}}, Reason.NOT_A_NUMBER),
    ],
)
def test_an_invalid_ticket_is_rejected(row: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        ticket(row, GROUPS)
    assert raised.value.reason is reason


@pytest.mark.parametrize("score", RATINGS)
def test_a_good_rating_is_one_and_a_bad_one_zero(score: str) -> None:
    row = {"id": 1, "score": score, "ticket_id": 5, "assignee_id": 7, "created_at": "2026-03-01T10:00:00Z"}
    record = survey({**row, "updated_at": "2026-03-01T12:00:00Z"})
    if "offered" in score:
        assert record is None
        return
    assert record is not None
    assert record.score == (1.0 if score.startswith("good") else 0.0)
    assert (record.kind, record.scale_max, record.agent) == ("csat", 1.0, "7")
    assert record.answered_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert record.attributes == {"ticket": "5"}


def test_a_rating_without_a_change_time_is_answered_when_it_was_created() -> None:
    record = survey({"id": 1, "score": "bad", "created_at": "2026-03-01T10:00:00Z"})
    assert record is not None
    assert (record.answered_at, record.attributes) == (datetime(2026, 3, 1, 10, tzinfo=UTC), {})


@pytest.mark.parametrize(
    ("zendesk_status", "status"),
    [
        ("completed", "answered"), ("answered", "answered"), ("user_pickup", "answered"), ("in_progress", "answered"),
        ("transferred", "answered"), ("abandoned_in_queue", "abandoned"), ("abandoned_in_voicemail", "abandoned"),
        ("abandoned_in_ivr", "abandoned"), ("abandoned_on_hold", "abandoned"), ("abandoned", "abandoned"),
        ("user_canceled", "abandoned"), ("canceled", "abandoned"), ("not_answered", "missed"),
        ("agent_declined", "missed"), ("agent_missed", "missed"), ("missed", "missed"), ("declined", "missed"),
        ("voicemail", "voicemail"), ("busy", "busy"), ("failed", "failed"),
    ],
)  # fmt: skip
def test_each_status_of_a_call_is_mapped(zendesk_status: str, status: str) -> None:
    record = call({**CALL, "completion_status": zendesk_status}, GROUPS)
    assert record.status == status
    assert (record.talk_seconds is None) == (status != "answered") == (record.answered_at is None)


def test_the_tests_above_cover_every_status() -> None:
    assert len(CALL_STATES) == 20
    assert set(CALL_STATES.values()) == {"answered", "abandoned", "missed", "voicemail", "busy", "failed"}


def test_the_talk_time_of_a_call_excludes_its_waiting() -> None:
    record = call(CALL, GROUPS)
    assert (record.wait_seconds, record.talk_seconds, record.hold_seconds, record.wrap_seconds) == (15, 100, 10, 20)
    assert record.started_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert record.answered_at == datetime(2026, 3, 1, 10, 0, 15, tzinfo=UTC)
    assert record.ended_at == datetime(2026, 3, 1, 10, 2, 10, tzinfo=UTC)
    assert (record.direction, record.queue, record.agent, record.attributes) == (
        "inbound", "Second line", "7", {"ticket": "5"},
    )  # fmt: skip


def test_a_failed_call_has_no_durations() -> None:
    """Pitfall: many fields are null on failed calls."""
    record = call({**CALL, **UNSET, "completion_status": "failed", "direction": "outbound"}, GROUPS)
    assert (record.status, record.wait_seconds, record.ended_at, record.queue, record.agent) == (
        "failed", None, None, None, None,
    )  # fmt: skip
    assert record.attributes == {}


def test_a_call_with_a_message_is_voicemail_whatever_its_status() -> None:
    record = call({**CALL, "voicemail": True}, GROUPS)
    assert (record.status, record.talk_seconds, record.answered_at) == ("voicemail", None, None)


@pytest.mark.parametrize(
    ("changes", "active"),
    [({}, True), ({"suspended": True}, False), ({"active": False}, False)],
)
def test_a_removed_or_suspended_agent_keeps_the_name(changes: dict[str, Any], active: bool) -> None:
    row = {"id": 7, "role": "admin", "name": "Ada", "email": "ada@example.com", "active": True, "default_group_id": 2}
    record = person({**row, **changes}, GROUPS)
    assert record is not None
    assert (record.name, record.team, record.active, record.deleted) == ("Ada", "Second line", active, False)


def test_customers_are_skipped_and_an_agent_may_have_no_team() -> None:
    assert person({"id": 8, "role": "end-user", "name": "Bo"}, GROUPS) is None
    record = person({"id": 7, "role": "agent", "name": "Ada", "default_group_id": None}, GROUPS)
    assert record is not None
    assert (record.team, record.active) == (None, True)


def test_each_number_of_the_queue_is_a_record_and_missing_ones_are_left_out() -> None:
    now = datetime(2026, 3, 1, 10, tzinfo=UTC)
    records = measurements({"calls_waiting": 0, "average_wait_time": 12.5, "longest_wait_time": None, "other": 3}, now)
    assert [(item.name, item.value, item.at) for item in records] == [
        ("calls_waiting", 0.0, now), ("average_wait_time", 12.5, now),
    ]  # fmt: skip
    assert len({item.id for item in records}) == 2


@pytest.mark.parametrize(
    ("status", "outside", "waited"),
    [
        ("not_answered", True, None),
        ("not_answered", False, 15.0),
        ("completed", True, 15.0),
        ("not_answered", None, 15.0),
    ],
)
def test_an_unanswered_call_outside_business_hours_has_no_waiting_time(
    status: str, outside: bool | None, waited: float | None
) -> None:
    record = call({**CALL, "completion_status": status, "outside_business_hours": outside}, GROUPS)
    assert record.wait_seconds == waited
