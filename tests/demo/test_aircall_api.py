"""The fake Aircall responds as the vendor does."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from exporter.demo.aircall import api
from exporter.demo.aircall.api import FakeAircall
from tests.demo.api_client import ApiClient
from tests.demo.tiny_company import ManualClock, TinyCompany, at, phone_call


class Account:
    """A client of the API with a key."""

    def __init__(self, company: TinyCompany) -> None:
        self.clock = ManualClock()
        self.shape = FakeAircall(company, self.clock, "key", "token")
        self.client = ApiClient(Starlette(routes=[Mount("/v1", routes=self.shape.routes())]))
        self.client.auth = ("key", "token")

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(f"/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def account() -> Account:
    further = [phone_call(key, 100 + key) for key in range(10, 70)]
    missed = phone_call(2, 10, answered_at=None, agent=None, missed_reason="out_of_opening_hours", voicemail=True)
    rung = phone_call(3, 20, inbound=False, line="Sales line", answered_at=None, agent=4)
    return Account(TinyCompany(calls=[phone_call(1, 5, topic="Billing", tagged_at=at(30)), missed, rung, *further]))


def test_a_call_rings_is_answered_is_over_and_is_tagged_later(account: Account) -> None:
    ids = []
    for minutes in (5, 0.5, 3, 30):
        account.clock.advance(minutes)
        call = account.get("/calls")["calls"][0]
        ids.append(
            (call["status"], bool(call["user"]), bool(call["answered_at"]), bool(call["ended_at"]), len(call["tags"]))
        )
    assert ids == [
        ("initial", False, False, False, 0),
        ("answered", True, True, False, 0),
        ("done", True, True, True, 0),
        ("done", True, True, True, 1),
    ]


def test_the_duration_includes_the_ringing(account: Account) -> None:
    account.clock.advance(60)
    call = account.get("/calls")["calls"][0]
    assert call["duration"] == 180
    assert call["ended_at"] - call["answered_at"] == 160


def test_a_missed_call_has_a_reason_and_may_have_a_voicemail(account: Account) -> None:
    account.clock.advance(60)
    call = account.get("/calls")["calls"][1]
    assert (call["status"], call["missed_call_reason"], call["user"]) == ("done", "out_of_opening_hours", None)
    assert call["voicemail"]


def test_the_agent_of_an_outbound_call_is_known_from_the_start(account: Account) -> None:
    account.clock.advance(20.1)
    call = account.get("/calls")["calls"][2]
    assert (call["direction"], call["status"], call["user"]["name"]) == ("outbound", "initial", "Elif Yilmaz")
    assert call["teams"] == []


def test_future_records_do_not_exist_yet(account: Account) -> None:
    account.clock.advance(6)
    assert account.get("/calls")["meta"]["total"] == 1


def test_pages_have_a_total_and_a_link_to_the_next(account: Account) -> None:
    account.clock.advance(500)
    first = account.get("/calls", per_page=50, order="asc")
    assert first["meta"] | {"next_page_link": ""} == {
        "count": 50, "total": 63, "current_page": 1, "per_page": 50, "next_page_link": "", "previous_page_link": None,
    }  # fmt: skip
    rest = account.client.get(first["meta"]["next_page_link"]).json()
    assert ([call["id"] for call in rest["calls"]], rest["meta"]["next_page_link"]) == (list(range(57, 70)), None)


def test_calls_are_newest_first_on_request(account: Account) -> None:
    account.clock.advance(500)
    first = account.get("/calls", order="desc", per_page=2)["calls"]
    second = account.get("/calls", order="desc", per_page=2, page=2)["calls"]
    assert [call["id"] for call in first + second] == [69, 68, 67, 66]


def test_a_range_includes_both_ends(account: Account) -> None:
    account.clock.advance(500)
    page = account.get("/calls", **{"from": at(110), "to": at(112)})
    assert [call["id"] for call in page["calls"]] == [10, 11, 12]


def test_calls_beyond_the_cap_are_silently_left_out(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "CAP", 40)
    account.clock.advance(500)
    page = account.get("/calls", per_page=20, page=2)
    assert (page["meta"]["total"], page["meta"]["next_page_link"], len(page["calls"])) == (63, None, 20)
    assert account.get("/calls", per_page=20, page=3)["calls"] == []


@pytest.mark.parametrize(
    "params", [{"per_page": 51}, {"per_page": 0}, {"page": 0}, {"page": "two"}, {"from": "monday"}]
)
def test_invalid_requests_are_rejected(account: Account, params: dict[str, Any]) -> None:
    assert account.client.get("/v1/calls", params=params).status_code == 400


def test_users_and_teams_contain_present_employees_only(account: Account) -> None:
    assert account.get("/users", per_page=50)["meta"]["total"] == 41
    teams = account.get("/teams")["teams"]
    assert [team["name"] for team in teams] == [
        "Sales North",
        "Sales South",
        "Partner Sales",
        "Support",
        "Customer Care",
    ]
    assert len(teams[1]["users"]) == 9
    account.clock.advance(200 * 1440)
    assert account.get("/users", per_page=50)["meta"]["total"] == 40
    assert len(account.get("/teams")["teams"][1]["users"]) == 8


def test_some_addresses_have_another_spelling_than_in_the_crm(account: Account) -> None:
    addresses = {user["name"]: user["email"] for user in account.get("/users", per_page=50)["users"]}
    assert addresses["Anna Keller"] == "Anna.Keller@Alpenwerk.Example"
    assert addresses["Beat Huber"] == "beat.huber@alpenwerk.example"


def test_a_missing_key_and_a_wrong_key_have_different_statuses(account: Account) -> None:
    assert account.get("/ping") == {"ping": "pong"}
    account.client.auth = ("key", "other")
    assert account.client.get("/v1/ping").status_code == 403
    account.client.auth = None
    assert account.client.get("/v1/ping").status_code == 401


def test_the_limit_is_enforced_and_reported(account: Account) -> None:
    account.shape.allowance.limit = 2
    answers = [account.client.get("/v1/ping") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-aircallapi-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[-1].headers["x-aircallapi-reset"] == str(at(1))
