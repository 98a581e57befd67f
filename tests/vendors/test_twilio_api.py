"""The fake Twilio responds as the vendor does."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from exporter.demo.responses import RequestLimit
from exporter.passes import Pass
from exporter.records import Measurement, Person, Record
from exporter.sources.registry import create
from tests.demo.api_client import ApiClient
from tests.demo.tiny_company import ManualClock, TinyCompany, at, phone_call
from tests.sources.source_context import options, run, source_context
from tests.specs.schemas import SampleOptions
from tests.specs.specification import ORIGINS, specifications
from tests.vendors.twilio.api import ACCOUNT, KEY, WORKSPACE, FakeTwilio
from tests.vendors.twilio.payloads import sid

CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
WORKSPACE_URL = f"/v1/Workspaces/{WORKSPACE}"
ACCOUNT_PATH, WORKSPACE_PATH = "/2010-04-01/Accounts/{AccountSid}", "/v1/Workspaces/{WorkspaceSid}"
QUEUES = f"{WORKSPACE_PATH}/TaskQueues/{{TaskQueueSid}}"
"""Paths as written in the API documents."""
QUEUE = f"{WORKSPACE_URL}/TaskQueues/{sid('WQ', 'Support line')}"


class Account:
    """A client of the API with a valid key."""

    def __init__(self, company: TinyCompany) -> None:
        self.clock = ManualClock()
        self.api = FakeTwilio(company, self.clock, KEY, "secret")
        self.app = Starlette(routes=[Mount("/twilio", routes=self.api.routes())])
        self.client = ApiClient(self.app)
        self.client.auth = (KEY, "secret")

    def get(self, path: str, **params: Any) -> Any:
        response = self.client.get(f"/twilio{path}", params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def read_records(self, entity: str) -> list[Record]:
        """The records that the twilio provider reads."""
        settings = options(
            provider="twilio", account_sid=ACCOUNT, key_sid=KEY, secret={"env": "SECRET"}, workspace_sid=WORKSPACE,
            base_url="http://127.0.0.1/twilio", taskrouter_url="http://127.0.0.1/twilio", allow_insecure=True,
            allow_private=True, entities=[entity],
        )  # fmt: skip
        context = source_context(httpx.ASGITransport(self.app), SECRET="secret")

        async def read() -> list[Record]:
            source = create(settings, context)
            return [record async for page in source.read(Pass(entity, self.clock())) for record in page.records]

        return run(read())

    def legs(self, **params: Any) -> list[dict[str, Any]]:
        """The rows of all pages, reached through their links."""
        page = self.get(CALLS, **params)
        rows = page["calls"]
        while page["next_page_uri"]:
            assert page["next_page_uri"].startswith("/")
            page = self.client.get(page["next_page_uri"]).json()
            rows += page["calls"]
        return list(rows)


@pytest.fixture
def account() -> Account:
    return Account(TinyCompany(calls=[phone_call(key, 5 + key) for key in range(20)]))


def test_a_call_is_ringing_then_answered_then_completed_and_priced_later(account: Account) -> None:
    statuses = []
    for minutes in (5, 0.5, 3, 10):
        account.clock.advance(minutes)
        rows = account.legs()
        caller_leg = next(row for row in rows if row["sid"] == sid("CA", 0, 0))
        leg = next(row for row in rows if row["parent_call_sid"] == caller_leg["sid"])
        statuses.append(
            (caller_leg["status"], leg["status"], leg["duration"], bool(caller_leg["end_time"]), caller_leg["price"])
        )
    assert statuses == [
        ("ringing", "ringing", None, False, None),
        ("in-progress", "in-progress", None, False, None),
        ("completed", "completed", "160", True, None),
        ("completed", "completed", "160", True, "-0.02550"),
    ]


def test_a_change_has_an_rfc_2822_timestamp(account: Account) -> None:
    account.clock.advance(10)
    before = next(row for row in account.legs() if row["sid"] == sid("CA", 0, 0))
    account.clock.advance(30)
    after = next(row for row in account.legs() if row["sid"] == sid("CA", 0, 0))
    assert (before["date_updated"], after["date_updated"]) == (
        "Mon, 02 Mar 2026 09:08:00 +0000",
        "Mon, 02 Mar 2026 09:18:00 +0000",
    )


@pytest.mark.parametrize("origin", ORIGINS)
def test_rows_have_the_fields_of_the_published_api(account: Account, origin: str) -> None:
    calls, _ = specifications("twilio", origin)
    account.clock.advance(60)
    response = account.get(CALLS)
    schema = calls.schemas.field(calls.schema(f"{ACCOUNT_PATH}/Calls.json").read_value(), "calls")
    assert {*account.legs()[0]} == {*calls.schemas.sample(schema["items"], SampleOptions({}))}
    assert calls.mismatches(f"{ACCOUNT_PATH}/Calls.json", response) == []


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    ("path", "operation"),
    [
        (f"{WORKSPACE_URL}/Workers", f"{WORKSPACE_PATH}/Workers"),
        (f"{WORKSPACE_URL}/TaskQueues", f"{WORKSPACE_PATH}/TaskQueues"),
        (f"{QUEUE}/RealTimeStatistics", f"{QUEUES}/RealTimeStatistics"),
        (f"{QUEUE}/CumulativeStatistics", f"{QUEUES}/CumulativeStatistics"),
    ],
)
def test_taskrouter_has_only_fields_of_the_published_api(
    account: Account, path: str, operation: str, origin: str
) -> None:
    _, taskrouter = specifications("twilio", origin)
    assert taskrouter.mismatches(operation, account.get(path)) == []


def test_pages_are_newest_first_and_stable_while_calls_arrive(account: Account) -> None:
    account.clock.advance(15)
    first = account.get(CALLS, PageSize=5)
    account.clock.advance(10)
    rest = account.client.get(first["next_page_uri"]).json()
    starts = [row["start_time"] for row in first["calls"] + rest["calls"]]
    assert starts == sorted(starts, reverse=True)
    assert not {row["sid"] for row in first["calls"]} & {row["sid"] for row in rest["calls"]}
    assert len(account.legs(PageSize=7)) == 40


@pytest.mark.parametrize(("size", "status"), [(0, 400), (1001, 400), (1000, 200), ("many", 400)])
def test_a_page_has_at_most_a_thousand_calls(account: Account, size: Any, status: int) -> None:
    assert account.client.get(f"/twilio{CALLS}", params={"PageSize": size}).status_code == status


def test_filters_cover_whole_utc_days() -> None:
    hour = 60.0
    account = Account(TinyCompany(calls=[phone_call(key, 14.9 * hour + 24 * hour * key) for key in range(4)]))
    account.clock.advance(30 * 24 * hour)
    midday = {"StartTime>": "2026-03-04T12:00:00Z", "StartTime<": "2026-03-04T12:00:00Z"}
    assert {row["sid"] for row in account.legs(**midday)} == {sid("CA", 2, 0), sid("CA", 2, 2)}


def test_a_leg_after_midnight_is_found_on_its_own_day() -> None:
    minutes = 15 * 60 - 0.2
    account = Account(TinyCompany(calls=[phone_call(1, minutes, answered_at=at(minutes) + 40)]))
    account.clock.advance(2000)
    legs = account.legs(**{"StartTime>": "2026-03-03", "StartTime<": "2026-03-03"})
    assert [row["parent_call_sid"] for row in legs] == [sid("CA", 1, 0)]


def test_numbers_are_named_after_lines(account: Account) -> None:
    numbers = account.get(f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json")["incoming_phone_numbers"]
    assert [row["friendly_name"] for row in numbers] == ["Support line", "Customer Care line", "Sales line"]


def test_worker_pages_have_full_urls_and_attributes_as_text(account: Account) -> None:
    first = account.get(f"{WORKSPACE_URL}/Workers", PageSize=40)
    rest = account.client.get(first["meta"]["next_page_url"]).json()
    assert (first["meta"]["key"], len(first["workers"]), len(rest["workers"])) == ("workers", 40, 1)
    assert rest["meta"]["next_page_url"] is None
    assert json.loads(first["workers"][4]["attributes"])["contact_uri"] == "client:elif_yilmaz"


def test_a_former_employee_is_not_a_worker(account: Account) -> None:
    account.clock.advance(60 * 24 * 150)
    assert len(account.get(f"{WORKSPACE_URL}/Workers")["workers"]) == 40


def test_a_queue_has_real_time_and_cumulative_statistics(account: Account) -> None:
    account.clock.advance(10)
    assert account.get(f"{WORKSPACE_URL}/TaskQueues")["task_queues"][0]["friendly_name"] == "Support line"
    assert account.get(f"{QUEUE}/RealTimeStatistics")["total_tasks"] == 3
    spans = [account.get(f"{QUEUE}/CumulativeStatistics", Minutes=minutes) for minutes in (1, 15)]
    assert [span["tasks_entered"] for span in spans] == [2, 6]


def test_the_provider_measures_its_queues_and_finds_its_workers(account: Account) -> None:
    account.clock.advance(10)
    records = [record for entity in ("measurements", "people") for record in account.read_records(entity)]
    measurements = {
        (record.name, record.attributes["queue"]): record.value for record in records if isinstance(record, Measurement)
    }
    assert measurements["total_tasks", "Support line"] == 3
    assert measurements["tasks_entered_15m", "Support line"] == 6
    assert measurements["total_tasks", "Sales line"] == 0
    people = {record.id: record for record in records if isinstance(record, Person)}
    assert (len(people), people["elif_yilmaz"].team) == (41, "Sales North")


def test_a_wrong_key_is_rejected(account: Account) -> None:
    account.client.auth = (KEY, "other")
    response = account.client.get(f"/twilio{CALLS}")
    assert (response.status_code, response.json()["code"]) == (401, 20003)


@pytest.mark.parametrize(
    "path", ["/2010-04-01/Accounts/ACother/Calls.json", f"{WORKSPACE_URL}/TaskQueues/WQ1/RealTimeStatistics"]
)
def test_missing_objects_have_an_error_code(account: Account, path: str) -> None:
    response = account.client.get(f"/twilio{path}")
    assert (response.status_code, response.json()["code"]) == (404, 20404)


def test_too_many_concurrent_requests_are_rejected_with_a_code(account: Account) -> None:
    account.api.request_limit, account.api.ticks = RequestLimit(1, 1), lambda: 0.0
    assert [account.client.get(f"/twilio{CALLS}").status_code for _ in range(2)] == [200, 429]
    assert account.client.get(f"/twilio{CALLS}").json()["code"] == 20429
