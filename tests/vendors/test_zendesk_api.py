"""The fake Zendesk responds as the vendor does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from starlette.applications import Starlette

from exporter.demo.company.rhythm import ZONE
from tests.demo.api_client import ApiClient
from tests.demo.tiny_company import START, ManualClock, TinyCompany, at, phone_call, ticket
from tests.vendors.zendesk import talk
from tests.vendors.zendesk.access import ADMIN, ZendeskAccess
from tests.vendors.zendesk.api import CUSTOMERS, FakeZendesk
from tests.vendors.zendesk.payloads import STARS_FIELD, business_seconds

CLIENT = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret"}
TICKETS, USERS = "/api/v2/incremental/tickets/cursor", "/api/v2/incremental/users/cursor"
STATS = "/api/v2/channels/voice/stats"
BEGIN = int(START.timestamp()) - 86_400


class Account:
    """A client of the API with a valid access token."""

    def __init__(self, company: TinyCompany) -> None:
        self.clock = ManualClock()
        self.access = ZendeskAccess(self.clock, "app", "secret")
        self.app = Starlette(routes=FakeZendesk(company, self.clock, self.access).routes())
        self.log_in()

    def log_in(self) -> None:
        granted = ApiClient(self.app).post("/oauth/tokens", data=CLIENT).json()
        self.client = ApiClient(self.app, {"authorization": f"Bearer {granted['access_token']}"})

    def advance(self, minutes: float) -> None:
        """Advances the clock, and gets a new access token."""
        self.clock.advance(minutes)
        self.log_in()

    def get(self, path: str, **params: Any) -> Any:
        response = self.client.get(path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def tickets(self, **params: Any) -> dict[int, Any]:
        page = self.get(TICKETS, start_time=BEGIN, include="metric_sets", **params)
        return {row["id"]: row for row in page["tickets"]}

    def calls(self, start: int = BEGIN) -> dict[int, Any]:
        return {row["id"]: row for row in self.get(f"{STATS}/incremental/calls", start_time=start)["calls"]}


@pytest.fixture
def account() -> Account:
    tickets = [
        ticket(
            1, (0, "new"), (60, "waiting_on_us"), (70, "waiting_on_contact"), (90, "closed"), rating=4, rated_at=at(120)
        ),
        ticket(
            2, (5, "new"), (60, "waiting_on_us"), (80, "closed"), (200, "waiting_on_us"), (260, "closed"), care=True
        ),
        ticket(3, (10, "new"), archived_at=at(60)),
    ]
    calls = [
        phone_call(11, 0, topic="Billing", tagged_at=at(10)),
        phone_call(12, 1, answered_at=None, agent=None, missed_reason="abandoned_in_classic"),
        phone_call(13, 2, answered_at=None, agent=None, missed_reason="out_of_opening_hours", voicemail=True),
        phone_call(14, 3, inbound=False, line="Sales line", agent=2),
        phone_call(15, 4, inbound=False, line="Sales line", agent=3, answered_at=None),
    ]
    return Account(TinyCompany(tickets=tickets, calls=calls))


def test_a_ticket_goes_through_its_states(account: Account) -> None:
    states = []
    for minutes in (5, 56, 10, 20, 28 * 1440):
        account.advance(minutes)
        row = account.tickets()[1]
        states.append((row["status"], bool(row["assignee_id"]), bool(row["metric_set"]["solved_at"])))
    assert states == [
        ("new", False, False), ("open", True, False), ("pending", True, False), ("solved", True, True),
        ("closed", True, True),
    ]  # fmt: skip


def test_the_automation_that_closes_a_ticket_updates_only_the_generated_timestamp(account: Account) -> None:
    account.advance(200)
    before = account.tickets()[1]
    account.advance(28 * 1440)
    after = account.tickets()[1]
    assert after["updated_at"] == before["updated_at"] == "2026-03-02T11:00:00Z"
    assert after["generated_timestamp"] == at(90) + 28 * 86_400 > before["generated_timestamp"]


def test_metrics_are_whole_minutes_in_calendar_and_in_business_hours(account: Account) -> None:
    account.advance(300)
    tickets = account.tickets()
    assert tickets[1]["metric_set"]["reply_time_in_minutes"] == {"calendar": 60, "business": 60}
    assert tickets[2]["metric_set"]["reply_time_in_minutes"] == {"calendar": 55, "business": 55}
    assert (tickets[1]["metric_set"]["reopens"], tickets[2]["metric_set"]["reopens"]) == (0, 1)
    assert tickets[2]["metric_set"]["solved_at"] == "2026-03-02T13:20:00Z"
    assert account.get("/api/v2/tickets/2/metrics")["ticket_metric"] == tickets[2]["metric_set"]
    assert [row["ticket_id"] for row in account.get("/api/v2/ticket_metrics")["ticket_metrics"]] == [1, 2]
    assert account.client.get("/api/v2/tickets/9/metrics").json()["error"] == "RecordNotFound"
    assert "metric_set" not in account.get(TICKETS, start_time=BEGIN)["tickets"][0]


def test_a_deleted_ticket_keeps_its_state_and_little_else(account: Account) -> None:
    account.advance(62)
    assert account.tickets()[3] == {
        "id": 3, "status": "deleted", "updated_at": "2026-03-02T10:00:00Z", "generated_timestamp": at(60),
    }  # fmt: skip


def test_stars_are_a_custom_field_and_zendesks_own_rating_is_good_or_bad(account: Account) -> None:
    account.advance(100)
    assert account.tickets()[1]["satisfaction_rating"] == {"score": "offered"}
    assert account.tickets()[1]["custom_fields"] == [{"id": STARS_FIELD, "value": None}]
    account.advance(25)
    assert account.tickets()[1]["satisfaction_rating"] == {"score": "good"}
    assert account.tickets()[1]["custom_fields"] == [{"id": STARS_FIELD, "value": "4"}]
    ratings = account.get("/api/v2/satisfaction_ratings", start_time=BEGIN)["satisfaction_ratings"]
    assert [(row["ticket_id"], row["score"]) for row in ratings] == [(1, "good"), (2, "offered")]
    late = account.get("/api/v2/satisfaction_ratings", start_time=at(120))["satisfaction_ratings"]
    assert [row["ticket_id"] for row in late] == [1]


def test_an_export_omits_the_last_minute_and_continues_after_its_cursor(account: Account) -> None:
    account.advance(60)
    first = account.get(TICKETS, start_time=BEGIN)
    assert (first["tickets"], first["end_of_stream"]) == ([], True)
    account.advance(1)
    page = account.get(TICKETS, cursor=first["after_cursor"], per_page=2)
    assert ([row["id"] for row in page["tickets"]], page["end_of_stream"]) == ([1, 2], False)
    rest = account.get(TICKETS, cursor=page["after_cursor"], per_page=2)
    assert ([row["id"] for row in rest["tickets"]], rest["end_of_stream"]) == ([3], True)
    last_page = account.get(TICKETS, cursor=rest["after_cursor"])
    assert (last_page["tickets"], last_page["after_cursor"]) == ([], rest["after_cursor"])


def test_users_are_employees_and_many_customers(account: Account) -> None:
    users = account.get(USERS, start_time=1)["users"]
    assert sum(user["role"] == "end-user" for user in users) == CUSTOMERS
    cursor = account.get(USERS, start_time=1)["after_cursor"]
    groups = {row["id"]: row["name"] for row in account.get("/api/v2/groups")["groups"]}
    agents = {user["name"]: user for user in users if user["role"] != "end-user"}
    assert len(agents) == 41
    assert groups[agents["Isabelle Martin"]["default_group_id"]] == "Customer Care"
    account.advance(200 * 1440)
    (former,) = account.get(USERS, cursor=cursor)["users"]
    assert (former["name"], former["suspended"], former["default_group_id"]) == ("Petra Vogel", True, None)
    assert former["updated_at"] == "2026-06-30T22:00:00Z"


def test_lists_continue_after_a_cursor_while_there_is_more(account: Account) -> None:
    page = account.get("/api/v2/groups", **{"page[size]": 3})
    assert (len(page["groups"]), page["meta"]["has_more"]) == (3, True)
    rest = account.get("/api/v2/groups", **{"page[size]": 3, "page[after]": page["meta"]["after_cursor"]})
    assert ([row["name"] for row in rest["groups"]], rest["meta"]["has_more"]) == (["Support", "Customer Care"], False)


def test_a_call_is_in_progress_then_completed_and_settled_later(account: Account) -> None:
    account.advance(2)
    row = account.calls()[11]
    assert (row["completion_status"], row["duration"], row["talk_time"], row["agent_id"]) == (None, None, None, None)
    account.advance(3)
    row = account.calls()[11]
    assert (row["completion_status"], row["wait_time"], row["talk_time"], row["duration"]) == (
        "completed",
        20,
        160,
        180,
    )
    assert (row["wrap_up_time"], row["ticket_id"], row["call_charge"]) == (None, None, None)
    account.advance(180)
    row = account.calls()[11]
    assert (row["wrap_up_time"], bool(row["ticket_id"]), row["updated_at"]) == (300, True, "2026-03-02T09:54:00Z")


def test_unanswered_calls_have_a_reason(account: Account) -> None:
    account.advance(10)
    calls = account.calls()
    fields = ("completion_status", "direction", "wait_time", "outside_business_hours", "voicemail", "talk_time")
    assert [tuple(calls[key][name] for name in fields) for key in (12, 13, 14, 15)] == [
        ("abandoned_in_queue", "inbound", 180, False, False, None),
        ("not_answered", "inbound", 0, True, True, None),
        ("completed", "outbound", None, False, False, 160),
        ("not_answered", "outbound", None, False, False, None),
    ]


def test_the_next_page_of_talk_is_never_null_and_starts_with_the_last_second(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "PAGE", 2)
    account.advance(10)
    page, pages = account.get(f"{STATS}/incremental/calls", start_time=BEGIN), []
    for _ in range(5):
        pages.append([row["id"] for row in page["calls"]])
        assert page["count"] == len(page["calls"])
        page = account.client.get(page["next_page"]).json()
    assert pages == [[11, 12], [12, 13], [13, 14], [14, 15], [15]]
    assert page["next_page"]


def test_talk_omits_the_last_minute_too(account: Account) -> None:
    account.advance(3.5)
    assert list(account.calls()) == [12, 13]


def test_legs_are_the_customers_and_the_agents(account: Account) -> None:
    account.advance(10)
    rows = account.get(f"{STATS}/incremental/legs", start_time=BEGIN)["legs"]
    assert [(row["call_id"], row["type"]) for row in rows if row["call_id"] in (11, 12)] == [
        (11, "customer"), (11, "agent"), (12, "customer"),
    ]  # fmt: skip
    assert next(row for row in rows if row["type"] == "agent")["talk_time"] == 160


def test_the_queue_contains_the_calls_waiting_now(account: Account) -> None:
    account.advance(1.2)
    queue = account.get(f"{STATS}/current_queue_activity")["current_queue_activity"]
    assert (queue["calls_waiting"], queue["longest_wait_time"], queue["agents_online"]) == (1, 12, 18)
    account.advance(12 * 60)
    evening = account.get(f"{STATS}/current_queue_activity")["current_queue_activity"]
    assert (evening["calls_waiting"], evening["average_wait_time"], evening["agents_online"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        (TICKETS, {}, 400),
        (TICKETS, {"start_time": "monday"}, 400),
        (TICKETS, {"start_time": int(START.timestamp())}, 422),
        (TICKETS, {"start_time": BEGIN, "cursor": "x"}, 400),
        (TICKETS, {"cursor": "x"}, 400),
        (TICKETS, {"start_time": BEGIN, "per_page": 1001}, 400),
        ("/api/v2/groups", {"page[size]": 101}, 400),
        ("/api/v2/views", {}, 404),
    ],
)
def test_invalid_requests_are_rejected(account: Account, path: str, params: dict[str, Any], status: int) -> None:
    assert account.client.get(path, params=params).status_code == status


def test_an_unknown_path_has_another_error_format(account: Account) -> None:
    assert account.client.get("/api/v2/views").json()["error"]["title"] == "InvalidEndpoint"


def test_tokens_expire_and_require_the_right_credentials(account: Account) -> None:
    assert account.get("/api/v2/groups")
    account.clock.advance(121)
    expired = account.client.get("/api/v2/groups")
    assert (expired.status_code, expired.json()["error"]) == (401, "invalid_token")
    account.log_in()
    assert account.get("/api/v2/groups")
    refusal = account.client.post("/oauth/tokens", data={**CLIENT, "client_secret": "other"})
    assert (refusal.status_code, refusal.json()["error"]) == (401, "invalid_client")


def test_a_legacy_api_token_still_works(account: Account) -> None:
    anonymous = ApiClient(account.app)
    assert anonymous.get("/api/v2/groups").status_code == 401
    anonymous.auth = (f"{ADMIN}/token", "secret")
    assert anonymous.get("/api/v2/groups").status_code == 200
    anonymous.auth = (f"{ADMIN}/token", "other")
    assert anonymous.get("/api/v2/groups").status_code == 401


def test_the_current_user_is_available_without_credentials(account: Account) -> None:
    assert ApiClient(account.app).get("/api/v2/users/me").json()["user"]["name"] == "Anonymous user"


def test_both_kinds_of_limits_are_enforced_and_reported(account: Account) -> None:
    account.access.exports["tickets"].limit = 1
    responses = [account.client.get(TICKETS, params={"start_time": BEGIN}) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 429]
    assert responses[1].headers["zendesk-ratelimit-incremental-exports-cursor"] == "total=1; remaining=0; resets=60"
    assert responses[1].headers["retry-after"] == "60"
    assert account.client.get("/api/v2/groups").status_code == 200
    account.access.account.limit = account.access.account.used
    refusal = account.client.get("/api/v2/groups")
    assert (refusal.status_code, refusal.headers["ratelimit-remaining"]) == (429, "0")


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-03-13T09:00", "2026-03-13T11:30", 2.5),
        ("2026-03-13T06:00", "2026-03-13T23:00", 10.0),
        ("2026-03-13T17:00", "2026-03-16T09:00", 2.0),
        ("2026-03-14T00:00", "2026-03-15T23:00", 0.0),
        ("2026-03-13T19:00", "2026-03-13T20:00", 0.0),
    ],
)
def test_business_hours_exclude_nights_and_weekends(since: str, until: str, hours: float) -> None:
    assert business_seconds(_seconds(since), _seconds(until)) == hours * 3600


def _seconds(local: str) -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=ZONE).timestamp())
