"""The fake HubSpot responds as the vendor does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.applications import Starlette

from exporter.demo.hubspot import search as hubspot_search
from exporter.demo.hubspot.access import HubspotAccess
from exporter.demo.hubspot.api import SCOPES, FakeHubspot
from tests.demo.api_client import ApiClient
from tests.demo.tiny_company import ManualClock, TinyCompany, at, deal, lead, phone_call, ticket


class Account:
    """A client of the API with a key."""

    def __init__(self, company: TinyCompany) -> None:
        self.clock = ManualClock()
        self.access = HubspotAccess(self.clock, "key", SCOPES)
        self.shape = FakeHubspot(company, self.clock, self.access)
        self.client = ApiClient(Starlette(routes=self.shape.routes()), {"authorization": "Bearer key"})

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def search(self, kind: str, *filters: tuple[str, str, Any], **further: Any) -> Any:
        rules = [{"propertyName": name, "operator": operator, "value": value} for name, operator, value in filters]
        body = {
            "filterGroups": [{"filters": rules}] if rules else [],
            "sorts": ["hs_object_id"],
            "limit": 200,
            **further,
        }
        return self.client.post(f"/crm/objects/2026-03/{kind}/search", json=body)


@pytest.fixture
def account() -> Account:
    company = TinyCompany(
        deals=[
            deal(1, (0, "discovery"), (30, "won"), corrected_at=at(90), corrected=Decimal("80.50")),
            deal(2, archived_at=at(60)),
            deal(3, (0, "discovery"), (30, "lost"), partner=True),
        ],
        leads=[lead(4, (0, "new"), (5, "working"), (20, "qualified"), (30, "converted")), lead(5, merged_at=at(40))],
        tickets=[ticket(6, (0, "new"), (60, "waiting_on_us"), (90, "closed"), rating=4, rated_at=at(120), care=True)],
        calls=[phone_call(7, 0, inbound=False, line="Sales line", agent=3), phone_call(8, 0)],
    )
    return Account(company)


def properties(row: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = row["properties"]
    return values


def test_numbers_are_texts_and_times_are_iso(account: Account) -> None:
    account.clock.advance(60)
    names = "amount,closedate,dealstage,hs_is_closed_won,deal_currency_code"
    row = account.get("/crm/objects/2026-03/deals", limit=1, properties=names)["results"][0]
    assert row["id"] == "1"
    assert properties(row) == {
        "amount": "100", "closedate": "2026-03-02T09:30:00.000Z", "createdate": "2026-03-02T09:00:00.000Z",
        "deal_currency_code": "CHF", "dealstage": "closedwon", "hs_is_closed_won": "true",
        "hs_lastmodifieddate": "2026-03-02T09:30:00.000Z", "hs_object_id": "1",
    }  # fmt: skip


def test_a_correction_appears_later_and_updates_the_change_time(account: Account) -> None:
    account.clock.advance(90)
    values = properties(account.get("/crm/v3/objects/0-3", properties="amount")["results"][0])
    assert (values["amount"], values["hs_lastmodifieddate"]) == ("80.50", "2026-03-02T10:30:00.000Z")


def test_unknown_properties_are_left_out(account: Account) -> None:
    assert "colour" not in properties(account.get("/crm/v3/objects/deals", properties="colour")["results"][0])


def test_pages_follow_the_token_and_the_last_has_none(account: Account) -> None:
    first = account.get("/crm/v3/objects/deals", limit=2)
    assert first["paging"] == {"next": {"after": "3"}}
    rest = account.get("/crm/v3/objects/deals", limit=2, after="3")
    assert ([row["id"] for row in rest["results"]], "paging" in rest) == (["3"], False)


def test_archived_records_have_a_list_of_their_own_and_no_longer_change(account: Account) -> None:
    account.clock.advance(120)
    live = account.get("/crm/v3/objects/deals")["results"]
    archived_deals = account.get("/crm/v3/objects/deals", archived="true")["results"]
    assert ([row["id"] for row in live], [row["archived"] for row in live]) == (["1", "3"], [False, False])
    assert (archived_deals[0]["id"], archived_deals[0]["archived"], archived_deals[0]["archivedAt"]) == (
        "2",
        True,
        "2026-03-02T10:00:00.000Z",
    )


def test_a_record_merged_into_another_is_in_no_list(account: Account) -> None:
    account.clock.advance(60)
    for archived in ("true", "false"):
        rows = account.get("/crm/v3/objects/contacts", archived=archived)["results"]
        assert "5" not in [row["id"] for row in rows]


def test_stage_ids_are_explained_only_by_the_pipelines(account: Account) -> None:
    account.clock.advance(60)
    stage = properties(account.get("/crm/v3/objects/deals", after="3", properties="dealstage")["results"][0])[
        "dealstage"
    ]
    pipelines = account.get("/crm/pipelines/2026-03/deals")["results"]
    stages = {stage["id"]: stage for pipeline in pipelines for stage in pipeline["stages"]}
    assert stages[stage]["metadata"] == {"isClosed": "true", "probability": "0.0"}
    tickets = account.get("/crm/v3/pipelines/tickets")["results"]
    assert {stage["metadata"]["ticketState"] for pipeline in tickets for stage in pipeline["stages"]} == {
        "OPEN",
        "CLOSED",
    }
    assert account.get("/crm/v3/pipelines/leads")["results"][0]["id"] == "lead-pipeline-id"
    assert account.client.get("/crm/v3/pipelines/calls").status_code == 404


def test_contacts_show_the_stage_of_a_lead(account: Account) -> None:
    account.clock.advance(60)
    names = "lifecyclestage,hs_lead_status,hs_lifecyclestage_opportunity_date"
    values = properties(account.get("/crm/v3/objects/contacts", properties=names)["results"][0])
    assert (values["lifecyclestage"], values["hs_lead_status"]) == ("opportunity", "OPEN_DEAL")
    assert values["hs_lifecyclestage_opportunity_date"] == "2026-03-02T09:30:00.000Z"
    assert "lastmodifieddate" in values


def test_lead_objects_represent_the_same_leads(account: Account) -> None:
    account.clock.advance(60)
    names = "hs_pipeline_stage,hs_lead_is_qualified,hs_lead_associated_deals_count"
    values = properties(account.get("/crm/objects/2026-03/leads", properties=names)["results"][0])
    assert (values["hs_pipeline_stage"], values["hs_lead_is_qualified"]) == ("qualified-stage-id", "true")
    assert values["hs_lead_associated_deals_count"] == "1"


def test_tickets_belong_to_a_queue_until_somebody_replies(account: Account) -> None:
    names = "hubspot_owner_id,first_agent_reply_date,closed_date,hs_last_csat_rating,time_to_first_agent_reply"
    before = properties(account.get("/crm/v3/objects/tickets", properties=names)["results"][0])
    assert (before["hubspot_owner_id"], before["first_agent_reply_date"]) == ("70110900", None)
    account.clock.advance(121)
    after = properties(account.get("/crm/v3/objects/tickets", properties=names)["results"][0])
    assert (after["hubspot_owner_id"], after["time_to_first_agent_reply"]) == ("70110025", "3600000")
    assert (after["closed_date"], after["hs_last_csat_rating"]) == ("2026-03-02T10:30:00.000Z", "4")


def test_calls_are_those_that_sellers_make_with_milliseconds(account: Account) -> None:
    account.clock.advance(60)
    rows = account.get("/crm/v3/objects/calls", properties="hs_call_duration,hs_call_status")["results"]
    assert [(row["id"], properties(row)["hs_call_duration"], properties(row)["hs_call_status"]) for row in rows] == [
        ("7", "160000", "COMPLETED")
    ]


def test_owners_come_in_pages_with_teams_and_former_ones_apart(account: Account) -> None:
    first = account.get("/crm/owners/2026-03", limit=30)
    rest = account.get("/crm/v3/owners", limit=30, after=first["paging"]["next"]["after"])
    assert len(first["results"]) + len(rest["results"]) == 42
    assert first["results"][0]["teams"] == [{"id": "31500", "name": "Sales North", "primary": True}]
    assert rest["results"][-1]["type"] == "QUEUE"
    account.clock.advance(200 * 1440)
    (former,) = account.get("/crm/v3/owners", archived="true")["results"]
    assert (former["archived"], former["userId"], former["teams"]) == (True, None, [])


def test_search_lags_behind(account: Account) -> None:
    account.shape.lag = timedelta(minutes=5)
    account.clock.advance(33)
    values = account.search("deals", ("hs_object_id", "EQ", "1"), properties=["dealstage"]).json()
    assert properties(values["results"][0])["dealstage"] == "appointmentscheduled"
    account.clock.advance(3)
    values = account.search("deals", ("hs_object_id", "EQ", "1"), properties=["dealstage"]).json()
    assert properties(values["results"][0])["dealstage"] == "closedwon"


def test_search_finds_what_changed_since_and_never_what_is_archived(account: Account) -> None:
    account.clock.advance(61)
    values = account.search("deals", ("hs_lastmodifieddate", "GTE", str(at(30) * 1000))).json()
    assert (values["total"], [row["id"] for row in values["results"]]) == (2, ["1", "3"])


def test_search_rejects_pages_beyond_the_cap(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubspot_search, "CAP", 2)
    account.clock.advance(60)
    assert account.search("deals", limit=2).json()["paging"] == {"next": {"after": "2"}}
    assert account.search("deals", limit=2, after="2").status_code == 400


@pytest.mark.parametrize(
    "answer",
    [
        lambda account: account.search("deals", ("amount", "LOOKS_LIKE", "1")),
        lambda account: account.search("deals", limit=201),
        lambda account: account.search("deals", filterGroups=[{"filters": []}] * 7),
        lambda account: account.client.post("/crm/v3/objects/deals/search", content=b"{"),
        lambda account: account.client.get("/crm/v3/objects/deals", params={"limit": 101}),
    ],
)
def test_invalid_requests_are_rejected(account: Account, answer: Any) -> None:
    values = answer(account)
    assert (values.status_code, values.json()["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", ["/crm/objects/v4/deals", "/crm/v3/objects/parrots"])
def test_what_does_not_exist_is_not_found(account: Account, path: str) -> None:
    assert account.client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("credential", "status", "category"),
    [
        ("", 401, "INVALID_AUTHENTICATION"),
        ("Bearer other", 401, "INVALID_AUTHENTICATION"),
        ("Basic key", 401, "INVALID_AUTHENTICATION"),
    ],
)
def test_credentials_are_checked(account: Account, credential: str, status: int, category: str) -> None:
    values = account.client.get("/crm/v3/objects/deals", headers={"authorization": credential})
    assert (values.status_code, values.json()["category"]) == (status, category)


def test_a_malformed_token_is_rejected_by_the_cdn(account: Account) -> None:
    values = account.client.get("/crm/v3/objects/deals", headers={"authorization": "Bearer no token"})
    assert (values.status_code, values.headers["content-type"]) == (530, "text/html; charset=utf-8")


def test_tokens_expire_after_half_an_hour(account: Account) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "demo-refresh", "client_id": "app", "client_secret": "x"}
    token = account.client.post("/oauth/2026-03/token", data=form).json()
    assert token["expires_in"] == 1800
    bearer = {"authorization": f"Bearer {token['access_token']}"}
    assert account.client.get("/crm/v3/objects/deals", headers=bearer).status_code == 200
    account.clock.advance(30)
    values = account.client.get("/crm/v3/objects/deals", headers=bearer)
    assert (values.status_code, values.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")


@pytest.mark.parametrize("form", [{"grant_type": "password"}, {"grant_type": "refresh_token", "refresh_token": "old"}])
def test_a_wrong_grant_is_rejected(account: Account, form: dict[str, str]) -> None:
    assert account.client.post("/oauth/v1/token", data=form).status_code == 400


def test_a_missing_scope_is_named(account: Account) -> None:
    account.access.scopes = SCOPES - {"tickets"}
    values = account.client.get("/crm/v3/objects/tickets")
    assert (values.status_code, values.json()["category"]) == (403, "MISSING_SCOPES")
    assert values.json()["errors"][0]["context"] == {"requiredGranularScopes": ["tickets"]}


def test_lists_carry_limit_headers_and_searches_none(account: Account) -> None:
    listed = account.client.get("/crm/v3/objects/deals")
    assert listed.headers["x-hubspot-ratelimit-remaining"] == str(account.access.allowance.limit - 1)
    assert listed.headers["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
    assert not any("ratelimit" in name for name in account.search("deals").headers)


def test_limits_are_enforced_and_reported(account: Account) -> None:
    account.access.allowance.limit = 1
    account.get("/crm/v3/objects/deals")
    refused = account.client.get("/crm/v3/objects/deals")
    assert (refused.status_code, refused.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    assert refused.headers["x-hubspot-ratelimit-remaining"] == "0"
    answers = [account.search("deals") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert "retry-after" not in answers[-1].headers
