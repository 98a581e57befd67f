"""The fake Pipedrive responds as the vendor does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from starlette.applications import Starlette

from tests.demo.api_client import ApiClient
from tests.demo.tiny_company import ManualClock, TinyCompany, at, deal, lead, phone_call
from tests.vendors.pipedrive.access import REFUSALS_BEFORE_BLOCK, PipedriveAccess
from tests.vendors.pipedrive.api import FakePipedrive
from tests.vendors.pipedrive.payloads import CONVERTED_KEY, QUALIFIED_KEY

MONTHS = 31 * 1440.0


class Account:
    """A client of the API with a valid token."""

    def __init__(self, company: TinyCompany) -> None:
        self.clock = ManualClock()
        self.access = PipedriveAccess(self.clock, "key")
        self.api = FakePipedrive(company, self.clock, self.access)
        self.client = ApiClient(Starlette(routes=self.api.routes()), {"x-api-token": "key"})

    def get(self, path: str, **params: Any) -> Any:
        response = self.client.get(path, params=params)
        assert response.status_code == 200, response.text
        assert response.json()["success"] is True
        return response.json()

    def ids(self, path: str, **params: Any) -> list[Any]:
        return [row["id"] for row in self.get(path, **params)["data"] or ()]


@pytest.fixture
def account() -> Account:
    deals = [
        deal(1, (0, "discovery"), (20, "demo"), (30, "won"), corrected_at=at(90), corrected=Decimal("80.50")),
        deal(2, (0, "discovery"), archived_at=at(60)),
        deal(3, (10, "discovery"), (50, "lost"), partner=True, currency="EUR"),
        deal(4, (0, "discovery"), (5, "demo")),
    ]
    leads = [
        lead(5, (0, "new"), (5, "working"), (20, "qualified"), (30, "converted")),
        lead(6, (1, "new"), merged_at=at(40)),
        lead(7, (2, "new"), (50, "lost"), archived_at=at(70)),
        lead(8, (3, "new"), (900, "working"), (1000, "qualified")),
    ]
    calls = [
        phone_call(11, 0, inbound=False, line="Sales line", agent=0),
        phone_call(12, 1, inbound=False, line="Sales line", agent=3),
        phone_call(13, 2, inbound=False, line="Sales line", agent=0, answered_at=None),
        phone_call(14, 3),
    ]
    return Account(TinyCompany(deals=deals, leads=leads, calls=calls))


def test_a_deals_numbers_are_numbers_and_its_times_end_in_z(account: Account) -> None:
    account.clock.advance(60)
    row = account.get("/api/v2/deals", limit=1)["data"][0]
    assert (row["id"], row["value"], row["currency"], row["status"]) == (1, 100.0, "CHF", "won")
    assert (row["add_time"], row["won_time"]) == ("2026-03-02T09:00:00Z", "2026-03-02T09:30:00Z")
    assert (row["close_time"], row["lost_time"], row["update_time"]) == (row["won_time"], None, row["won_time"])
    account.clock.advance(30)
    row = account.get("/api/v2/deals", limit=1)["data"][0]
    assert (row["value"], row["update_time"]) == (80.5, "2026-03-02T10:30:00Z")


def test_won_and_lost_are_states_and_the_stage_stays_the_last_one(account: Account) -> None:
    account.clock.advance(60)
    stages = {row["id"]: row for row in account.get("/api/v2/stages")["data"]}
    pipelines = {row["id"]: row["name"] for row in account.get("/api/v2/pipelines")["data"]}
    deals = {row["id"]: row for row in account.get("/api/v2/deals")["data"]}
    assert (deals[1]["status"], stages[deals[1]["stage_id"]]["name"]) == ("won", "Demo")
    assert (deals[3]["status"], stages[deals[3]["stage_id"]]["name"]) == ("lost", "Discovery")
    assert pipelines[stages[deals[3]["stage_id"]]["pipeline_id"]] == pipelines[deals[3]["pipeline_id"]]
    assert pipelines[deals[3]["pipeline_id"]] == "Partner pipeline"


def test_deleted_deals_are_listed_for_thirty_days_on_request_only(account: Account) -> None:
    account.clock.advance(61)
    assert account.ids("/api/v2/deals") == [1, 3, 4]
    (deleted,) = account.get("/api/v2/deals", status="deleted")["data"]
    assert (deleted["id"], deleted["is_deleted"], deleted["status"]) == (2, True, "deleted")
    assert deleted["update_time"] == "2026-03-02T10:00:00Z"
    assert account.ids("/api/v2/deals", status="open,deleted") == [2, 4]
    account.clock.advance(MONTHS)
    assert account.ids("/api/v2/deals", status="deleted") == []


def test_archiving_a_long_closed_deal_counts_as_a_change(account: Account) -> None:
    account.clock.advance(30 + 90 * 1440 - 1)
    assert account.ids("/api/v2/deals/archived") == []
    account.clock.advance(1)
    (row,) = account.get("/api/v2/deals/archived")["data"]
    assert (row["id"], row["is_archived"], row["archive_time"]) == (1, True, "2026-05-31T09:30:00Z")
    assert account.ids("/api/v2/deals") == [3, 4]
    assert account.ids("/api/v2/deals/archived", updated_since=row["archive_time"]) == [1]
    assert account.ids("/api/v2/deals/archived", updated_since="2026-05-31T09:30:01Z") == []


def test_changes_are_filtered_by_a_half_open_interval(account: Account) -> None:
    account.clock.advance(120)
    assert account.ids("/api/v2/deals", updated_since="2026-03-02T09:50:00Z") == [1, 3]
    assert account.ids("/api/v2/deals", updated_since="2026-03-02T09:50:01Z") == [1]
    assert account.ids("/api/v2/deals", updated_until="2026-03-02T09:50:00Z") == [4]


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ({}, [1, 3, 4]),
        ({"sort_by": "id", "sort_direction": "desc"}, [4, 3, 1]),
        ({"sort_by": "update_time"}, [4, 3, 1]),
        ({"sort_by": "add_time", "sort_direction": "desc"}, [3, 4, 1]),
    ],
)
def test_pages_follow_an_opaque_cursor_in_any_order(account: Account, order: dict[str, str], ids: list[int]) -> None:
    account.clock.advance(120)
    received, cursor = [], None
    while True:
        page = account.get("/api/v2/deals", limit=1, **order, **({"cursor": cursor} if cursor else {}))
        received += [row["id"] for row in page["data"]]
        cursor = page["additional_data"]["next_cursor"]
        if cursor is None:
            break
    assert received == ids


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/api/v2/deals", {"limit": 501}),
        ("/api/v2/deals", {"limit": "many"}),
        ("/api/v2/deals", {"status": "paid"}),
        ("/api/v2/deals", {"sort_by": "value"}),
        ("/api/v2/deals", {"cursor": "?"}),
        ("/api/v2/deals", {"cursor": "bm9uZQ"}),
        ("/api/v2/deals", {"updated_since": "yesterday"}),
        ("/v1/leads", {"sort": "value"}),
        ("/v1/leads", {"sort": "id SIDEWAYS"}),
        ("/v1/leads", {"start": -1}),
    ],
)
def test_invalid_requests_are_rejected(account: Account, path: str, params: dict[str, Any]) -> None:
    response = account.client.get(path, params=params)
    assert (response.status_code, response.json()["success"]) == (400, False)


def test_leads_are_in_the_inbox_until_they_are_converted_or_archived(account: Account) -> None:
    account.clock.advance(4)
    assert len(account.ids("/v1/leads")) == 4
    account.clock.advance(56)
    inbox, archive = account.get("/v1/leads")["data"], account.get("/v1/leads/archived")["data"]
    assert [(row["person_id"], row["is_archived"], row["was_seen"]) for row in inbox] == [(8, False, False)]
    assert [row["person_id"] for row in archive] == [5, 7]
    assert (archive[0][QUALIFIED_KEY], archive[0][CONVERTED_KEY]) == ("2026-03-02", "2026-03-02")
    assert QUALIFIED_KEY not in archive[1]
    assert archive[0]["add_time"] == "2026-03-02T09:00:00.000Z"
    account.clock.advance(20)
    assert [row["person_id"] for row in account.get("/v1/leads/archived")["data"]] == [5]


def test_leads_are_paged_by_offset_and_report_whether_more_follow(account: Account) -> None:
    account.clock.advance(60)
    page = account.get("/v1/leads/archived", sort="update_time DESC", limit=1)
    assert page["data"][0]["person_id"] == 7
    assert page["additional_data"] == {"start": 0, "limit": 1, "more_items_in_collection": True}
    rest = account.get("/v1/leads/archived", sort="update_time DESC", limit=1, start=1)
    assert (rest["data"][0]["person_id"], rest["additional_data"]["more_items_in_collection"]) == (5, False)
    assert account.ids("/v1/leads", updated_since="2026-03-02T09:03:01Z") == []


def test_activities_are_calls_made_and_demos_given(account: Account) -> None:
    account.clock.advance(10)
    rows = account.get("/api/v2/activities")["data"]
    assert [(row["type"], row["done"]) for row in rows] == [
        ("meeting", False), ("meeting", True), ("call", True), ("call", True), ("call", True),
    ]  # fmt: skip
    assert rows[0]["marked_as_done_time"] is None
    assert (rows[2]["due_date"], rows[2]["due_time"], rows[2]["duration"]) == ("2026-03-02", "09:03:00", "00:02:40")
    assert len(account.ids("/api/v2/activities", updated_since="2026-03-02T09:05:00Z")) == 2


def test_call_logs_belong_to_the_user_of_the_token(account: Account) -> None:
    assert account.get("/v1/callLogs")["data"] is None
    account.clock.advance(10)
    page = account.get("/v1/callLogs", limit=1)
    assert (page["data"][0]["outcome"], page["data"][0]["duration"]) == ("connected", "160")
    assert page["additional_data"]["pagination"]["next_start"] == 1
    rest = account.get("/v1/callLogs", limit=1, start=1)
    assert rest["data"][0]["outcome"] == "no_answer"
    assert rest["additional_data"]["pagination"] == {"start": 1, "limit": 1, "more_items_in_collection": False}


def test_contacts_belong_to_the_prospects(account: Account) -> None:
    account.clock.advance(60)
    assert account.ids("/api/v2/persons") == [5, 7, 8]


def test_a_former_employee_is_deactivated_and_in_no_team(account: Account) -> None:
    users = account.get("/v1/users")["data"]
    assert len(users) == 23
    assert all(user["active_flag"] for user in users)
    account.clock.advance(200 * 1440)
    (former,) = [user for user in account.get("/v1/users")["data"] if not user["active_flag"]]
    teams = account.get("/v1/legacyTeams")["data"]
    assert [(team["name"], len(team["users"])) for team in teams] == [
        ("Sales North", 8), ("Sales South", 8), ("Partner Sales", 6),
    ]  # fmt: skip
    assert former["id"] not in {user for team in teams for user in team["users"]}


def test_another_token_is_rejected(account: Account) -> None:
    response = account.client.get("/v1/users", headers={"x-api-token": "other"})
    assert (response.status_code, response.json()["error"]) == (401, "unauthorized access")


def test_the_burst_limit_and_the_daily_budget_are_enforced_and_reported(account: Account) -> None:
    account.access.burst.limit = 2
    responses = [account.client.get("/api/v2/stages") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert [response.headers["x-ratelimit-remaining"] for response in responses] == ["1", "0", "0"]
    assert responses[2].headers["x-ratelimit-reset"] == "2"
    account.clock.advance(1)
    account.access.budget = 30
    assert [account.client.get("/v1/users").status_code for _ in range(2)] == [200, 429]
    refusal = account.client.get("/api/v2/stages")
    assert refusal.headers["x-daily-ratelimit-token-remaining"] == "0"
    account.clock.advance(1440)
    assert account.client.get("/v1/users").status_code == 200


def test_requests_after_the_limit_are_blocked_with_an_html_page_for_a_while(account: Account) -> None:
    account.access.burst.limit = 0
    assert {account.client.get("/v1/users").status_code for _ in range(REFUSALS_BEFORE_BLOCK + 1)} == {429}
    blocked = account.client.get("/v1/users")
    assert (blocked.status_code, blocked.headers["content-type"].partition(";")[0]) == (403, "text/html")
    account.access.burst.limit = 100
    account.clock.advance(10)
    assert account.client.get("/v1/users").status_code == 200
