"""Every state of Zendesk's tickets, ratings and calls, and whose they are."""

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
DEAD: dict[str, Any] = {
    "wait_time": None, "duration": None, "talk_time": None, "hold_time": None, "wrap_up_time": None,
    "agent_id": None, "call_group_id": None, "ticket_id": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("new", "open"), ("open", "open"), ("pending", "pending"), ("hold", "pending"), ("solved", "solved"),
        ("closed", "closed"),
    ],
)  # fmt: skip
def test_each_state_of_a_ticket_is_ours(theirs: str, ours: str) -> None:
    assert ticket({**TICKET, "status": theirs}, GROUPS).status == ours


def test_a_ticket_carries_its_metrics() -> None:
    found = ticket({**TICKET, "status": "solved"}, GROUPS)
    assert (found.id, found.priority, found.channel, found.queue, found.agent) == (
        "5", "urgent", "web", "Second line", "7",
    )  # fmt: skip
    assert found.first_reply_at == datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
    assert found.solved_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (found.reopens, found.satisfaction) == (2.0, 1.0)
    assert found.attributes == {"type": "question", "tags": "a, b"}


@pytest.mark.parametrize(
    ("metrics", "seconds"),
    [
        ({"reply_time_in_minutes": {"calendar": 2, "business": 0}}, 120),
        ({"reply_time_in_minutes": {"calendar": 2}, "reply_time_in_seconds": {"calendar": 101}}, 101),
        ({"reply_time_in_minutes": {"calendar": 2}, "reply_time_in_seconds": {"calendar": None}}, 120),
        ({"reply_time_in_minutes": {"calendar": 0}}, 0),
    ],
)
def test_the_first_reply_is_told_in_seconds_or_whole_minutes(metrics: dict[str, Any], seconds: int) -> None:
    found = ticket({**TICKET, "metric_set": metrics}, GROUPS)
    assert found.first_reply_at is not None
    assert found.created_at is not None
    assert (found.first_reply_at - found.created_at).total_seconds() == seconds


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
def test_a_rating_may_be_in_a_field_of_ones_own(fields: Any, rating: float | None) -> None:
    """Zendesk itself knows only good and bad: stars are written into a field by a survey tool."""
    row = {**TICKET, "custom_fields": fields}
    assert ticket(row, GROUPS, 77).satisfaction == rating
    assert ticket(row, GROUPS).satisfaction == 1.0


def test_a_reopened_ticket_is_no_longer_solved() -> None:
    assert ticket(TICKET, GROUPS).solved_at is None


def test_the_version_of_a_ticket_is_when_its_row_was_generated() -> None:
    """Pitfall: changes that the system makes move generated_timestamp, never updated_at."""
    assert ticket(TICKET, GROUPS).updated_at == datetime.fromtimestamp(1772370000, UTC)
    older = {name: value for name, value in TICKET.items() if name != "generated_timestamp"}
    assert ticket(older, GROUPS).updated_at == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_a_deleted_ticket_of_which_hardly_anything_is_left_is_a_tombstone() -> None:
    found = ticket({"id": 5, "status": "deleted", "generated_timestamp": 1772370000}, {})
    assert (found.id, found.deleted) == ("5", True)


def test_a_bare_ticket_has_no_replies_and_a_removed_group_keeps_its_id() -> None:
    bare = {"id": 5, "status": "new", "created_at": "2026-03-01T10:00:00Z", "group_id": 99}
    found = ticket(bare, GROUPS)
    assert (found.first_reply_at, found.solved_at, found.queue, found.agent, found.attributes) == (
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
def test_a_ticket_that_cannot_be_told_is_rejected(row: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        ticket(row, GROUPS)
    assert raised.value.reason is reason


@pytest.mark.parametrize("score", RATINGS)
def test_each_score_counts_good_as_one_and_bad_as_nothing(score: str) -> None:
    row = {"id": 1, "score": score, "ticket_id": 5, "assignee_id": 7, "created_at": "2026-03-01T10:00:00Z"}
    found = survey({**row, "updated_at": "2026-03-01T12:00:00Z"})
    if "offered" in score:
        assert found is None
        return
    assert found is not None
    assert found.score == (1.0 if score.startswith("good") else 0.0)
    assert (found.kind, found.scale_max, found.agent) == ("csat", 1.0, "7")
    assert found.answered_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found.attributes == {"ticket": "5"}


def test_a_rating_without_ticket_and_change_was_given_when_it_was_made() -> None:
    found = survey({"id": 1, "score": "bad", "created_at": "2026-03-01T10:00:00Z"})
    assert found is not None
    assert (found.answered_at, found.attributes) == (datetime(2026, 3, 1, 10, tzinfo=UTC), {})


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("completed", "answered"), ("answered", "answered"), ("user_pickup", "answered"), ("in_progress", "answered"),
        ("transferred", "answered"), ("abandoned_in_queue", "abandoned"), ("abandoned_in_voicemail", "abandoned"),
        ("abandoned_in_ivr", "abandoned"), ("abandoned_on_hold", "abandoned"), ("abandoned", "abandoned"),
        ("user_canceled", "abandoned"), ("canceled", "abandoned"), ("not_answered", "missed"),
        ("agent_declined", "missed"), ("agent_missed", "missed"), ("missed", "missed"), ("declined", "missed"),
        ("voicemail", "voicemail"), ("busy", "busy"), ("failed", "failed"),
    ],
)  # fmt: skip
def test_each_state_of_a_call_is_ours(theirs: str, ours: str) -> None:
    found = call({**CALL, "completion_status": theirs}, GROUPS)
    assert found.status == ours
    assert (found.talk_seconds is None) == (ours != "answered") == (found.answered_at is None)


def test_the_table_of_states_above_is_whole() -> None:
    assert len(CALL_STATES) == 20
    assert set(CALL_STATES.values()) == {"answered", "abandoned", "missed", "voicemail", "busy", "failed"}


def test_a_call_is_measured_in_seconds_without_its_waiting() -> None:
    found = call(CALL, GROUPS)
    assert (found.wait_seconds, found.talk_seconds, found.hold_seconds, found.wrap_seconds) == (15, 100, 10, 20)
    assert found.started_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert found.answered_at == datetime(2026, 3, 1, 10, 0, 15, tzinfo=UTC)
    assert found.ended_at == datetime(2026, 3, 1, 10, 2, 10, tzinfo=UTC)
    assert (found.direction, found.queue, found.agent, found.attributes) == (
        "inbound", "Second line", "7", {"ticket": "5"},
    )  # fmt: skip


def test_a_failed_call_has_no_durations() -> None:
    """Pitfall: many fields are null on failed calls."""
    found = call({**CALL, **DEAD, "completion_status": "failed", "direction": "outbound"}, GROUPS)
    assert (found.status, found.wait_seconds, found.ended_at, found.queue, found.agent) == (
        "failed", None, None, None, None,
    )  # fmt: skip
    assert found.attributes == {}


def test_a_message_left_makes_a_call_voicemail_whatever_its_state() -> None:
    found = call({**CALL, "voicemail": True}, GROUPS)
    assert (found.status, found.talk_seconds, found.answered_at) == ("voicemail", None, None)


@pytest.mark.parametrize(
    ("changes", "active"),
    [({}, True), ({"suspended": True}, False), ({"active": False}, False)],
)
def test_who_was_removed_or_suspended_keeps_a_name(changes: dict[str, Any], active: bool) -> None:
    row = {"id": 7, "role": "admin", "name": "Ada", "email": "ada@example.com", "active": True, "default_group_id": 2}
    found = person({**row, **changes}, GROUPS)
    assert found is not None
    assert (found.name, found.team, found.active, found.deleted) == ("Ada", "Second line", active, False)


def test_customers_are_nobody_and_an_agent_may_have_no_team() -> None:
    assert person({"id": 8, "role": "end-user", "name": "Bo"}, GROUPS) is None
    found = person({"id": 7, "role": "agent", "name": "Ada", "default_group_id": None}, GROUPS)
    assert found is not None
    assert (found.team, found.active) == (None, True)


def test_the_queue_is_a_number_each_and_what_is_missing_is_left_out() -> None:
    now = datetime(2026, 3, 1, 10, tzinfo=UTC)
    found = measurements({"calls_waiting": 0, "average_wait_time": 12.5, "longest_wait_time": None, "other": 3}, now)
    assert [(one.name, one.value, one.at) for one in found] == [
        ("calls_waiting", 0.0, now), ("average_wait_time", 12.5, now),
    ]  # fmt: skip
    assert len({one.id for one in found}) == 2


@pytest.mark.parametrize(
    ("status", "outside", "waited"),
    [
        ("not_answered", True, None),
        ("not_answered", False, 15.0),
        ("completed", True, 15.0),
        ("not_answered", None, 15.0),
    ],
)
def test_nobody_is_waited_for_outside_business_hours(status: str, outside: bool | None, waited: float | None) -> None:
    found = call({**CALL, "completion_status": status, "outside_business_hours": outside}, GROUPS)
    assert found.wait_seconds == waited
