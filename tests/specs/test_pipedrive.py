"""Both of Pipedrive's APIs: the requests that the provider sends, and how it reads the answers.

Tests of `documents` run on the project's own shapes and, as extras, on the official files; tests of `official` use the
examples in those files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from exporter.records import Activity, Call, Deal, Lead, Person
from exporter.sources.providers.pipedrive.payloads import OUTCOMES
from exporter.sources.registry import create
from tests.sources.providers.pipedrive.vendor import TOKEN, Pipedrive, iso
from tests.sources.source_context import NOW, options, records_of, run, source_context
from tests.specs.recorded import Exchange, Vendor, converse, full_pass, only
from tests.specs.shape import Wish
from tests.specs.specification import OFFICIAL, ORIGINS

ENTITIES = ("deals", "leads", "activities", "calls", "people")
DAY = datetime(2021, 1, 1, tzinfo=UTC)
LED, CALLED = datetime(2020, 10, 14, 11, 30, 36, 551000, UTC), datetime(2022, 12, 12, 1, 1, 1, tzinfo=UTC)

Place = tuple[str, str]
"""A file and a path in it: both have some paths."""

ASKED = {
    "GET /api/v2/deals": {"limit", "cursor", "sort_by", "status", "updated_since", "custom_fields"},
    "GET /api/v2/deals/archived": {"limit", "cursor", "sort_by", "updated_since", "custom_fields"},
    "GET /api/v2/stages": {"limit"},
    "GET /api/v2/pipelines": {"limit"},
    "GET /api/v2/activities": {"limit", "cursor", "sort_by", "updated_since"},
    "GET /v1/leads": {"limit", "start", "sort", "updated_since"},
    "GET /v1/leads/archived": {"limit", "start", "sort"},
    "GET /v1/callLogs": {"limit", "start"},
    "GET /v1/users": set(),
    "GET /v1/legacyTeams": set(),
}
"""Every operation that we call, with the query parameters that we use."""

REFUSED = {
    "GET /v1/leads/archived: Invalid query parameter: sort": "its description has a direction, which its enum leaves out"
}
"""What the files refuse, and why we ask it nevertheless."""

NULLS = {
    **dict.fromkeys(
        (f"GET {path}: additional_data.next_cursor" for path in
         ("/deals", "/deals/archived", "/activities", "/stages", "/pipelines")),
        "its own description says null at the end",
    ),
    **dict.fromkeys(
        (f"GET {path}: data.*.{name}" for path in ("/deals", "/deals/archived") for name in ("won_time", "lost_time")),
        "a deal that is open was neither won nor lost",
    ),
}  # fmt: skip
"""Where the fake answers null although the schemas, which seldom say nullable, do not: the place, and why."""


@pytest.fixture(scope="module", params=ORIGINS)
def documents(request: pytest.FixtureRequest) -> Vendor:
    return Vendor.of_origin("pipedrive", request.param)


@pytest.fixture(scope="module")
def official() -> Vendor:
    return Vendor.of_origin("pipedrive", OFFICIAL)


@pytest.fixture(scope="module")
def said() -> list[Exchange]:
    """Every entity, and each option that changes what is asked."""
    more = {"entities": ["deals"], "custom_fields": ["a" * 40, "b" * 40], "lookback": "1h"}
    return [
        each for given in [*({"entities": [e]} for e in ENTITIES), more] for each in conversation(company(), **given)
    ]


def conversation(vendor: Pipedrive, **given: Any) -> list[Exchange]:
    """All that is said with a company in which a deal is won meanwhile."""

    def win(now: datetime) -> None:
        vendor.now = now
        vendor.deal(1, status="won", won_time=iso(now))

    key = {"provider": "pipedrive", "token": {"env": "TOKEN"}}
    return converse(vendor.transport(), {"TOKEN": TOKEN}, win, **{**key, **given})


def company() -> Pipedrive:
    """A company with more than a page of everything."""
    vendor = Pipedrive(page=2)
    times = {"add_time": iso(NOW - timedelta(days=3)), "update_time": iso(NOW)}
    for key in range(1, 4):
        vendor.deal(key, custom_fields={"a" * 40: {"value": 5, "currency": "EUR"}}, won_time=None, lost_time=None)
        vendor.deal(key + 10, is_archived=True, status="lost", lost_time=iso(NOW), lost_reason="price")
        vendor.deal(key + 20, is_archived=True, status="won", won_time=iso(NOW))
        vendor.deal(key + 30, is_deleted=True, status="deleted")
        lead = {"title": "L", "owner_id": 7, "source_name": "Web", "was_seen": False, **times}
        for archived in (False, True):
            name = f"adf21080-0e10-11eb-879b-05d71fb4{key:02}{archived:02}"
            vendor.leads[name] = {**lead, "id": name, "is_archived": archived}
        vendor.activities[key] = {
            "id": key, "type": "call", "owner_id": 7, "done": True, "due_date": "2026-03-02", "due_time": "15:00:00",
            "marked_as_done_time": iso(NOW), "is_deleted": False, **times,
        }  # fmt: skip
        call = {"start_time": "2026-03-01T10:00:00.000Z", "end_time": "2026-03-01T10:01:01.000Z", "user_id": 7}
        vendor.calls.append({"id": f"CA{key}", "outcome": "connected", "duration": "61", **call})
        user = {"active_flag": True, "modified": "2026-02-01 08:45:56", "is_deleted": False}
        vendor.users.append({**user, "id": key, "name": "Ada", "email": "ada@example.com"})
    return vendor


def test_every_request_is_allowed(documents: Vendor, said: list[Exchange]) -> None:
    only(documents.refusals(said), REFUSED if documents.official else {})


def test_every_operation_and_parameter_that_we_use_is_among_the_requests(
    documents: Vendor, said: list[Exchange]
) -> None:
    assert documents.operations(said) == ASKED


def test_an_access_token_is_asked_for_and_sent_as_the_files_say(documents: Vendor) -> None:
    vendor, flow = company(), documents.specifications[0].document["components"]["securitySchemes"]["oauth2"]["flows"]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "oauth.pipedrive.com":
            return httpx.Response(200, json={"access_token": "fresh", "expires_in": 3600})
        # the fake knows only one way in
        return vendor.answer(httpx.Request(request.method, request.url, headers={"x-api-token": TOKEN}))

    app = {"client_id": "app", "client_secret": {"env": "S"}, "refresh_token": {"env": "R"}}
    first, *rest = converse(
        httpx.MockTransport(answer), {"S": "s", "R": "r"}, provider="pipedrive", oauth=app, entities=["people"]
    )
    assert (first.request.method, str(first.request.url)) == ("POST", flow["authorizationCode"]["refreshUrl"])
    assert {each.request.headers["authorization"] for each in rest} == {"Bearer fresh"}
    only(documents.refusals(rest), {})


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_scope_that_is_missing_opens_every_list_of_the_entity(documents: Vendor, entity: str) -> None:
    refusing = Pipedrive(before=lambda _: httpx.Response(403, json={"success": False}))
    source = create(
        options(provider="pipedrive", token={"env": "TOKEN"}, entities=[entity]),
        source_context(refusing.transport(), TOKEN=TOKEN),
    )
    (access,) = run(source.check())
    for request in {str(e.request.url): e.request for e in conversation(company(), entities=[entity])}.values():
        found = documents.of(request)
        scopes = [s for way in found.security(request) for s in way.get("oauth2", ())]
        assert access.missing.removeprefix("the scope ") in scopes, found.operation(request)


def test_the_fake_answers_as_the_files_say(documents: Vendor, said: list[Exchange]) -> None:
    nulls = {f"answer to {place}: null is not allowed": why for place, why in NULLS.items()}
    only(documents.lies(said), nulls if documents.official else {})


def places(documents: Vendor) -> list[Place]:
    """Where each operation that we call is described."""
    roots = {"pipedrive/v2.yaml": "GET /api/v2", "pipedrive/v1.yaml": "GET /v1"}
    names = [file.name for file in documents.specifications]
    return [(name, op.removeprefix(roots[name])) for name in names for op in ASKED if op.startswith(roots[name])]


def examples(official: Vendor) -> dict[Place, Any]:
    """The files' examples; each operation has one."""
    files = {file.name: file for file in official.specifications}
    return {(name, path): next(iter(files[name].examples(path).values())) for name, path in places(official)}


def read(official: Vendor, entity: str, answers: Mapping[Place, Any]) -> list[Any]:
    """What becomes of answers by path, each followed by an empty page; no row is rejected."""

    def answer(request: httpx.Request) -> Any:
        later = "cursor" in request.url.params or request.url.params.get("start", "0") != "0"
        return {"success": True, "data": []} if later else answers[official.place(request)]

    key = {"provider": "pipedrive", "token": {"env": "TOKEN"}}
    pages = full_pass(answer, {"TOKEN": TOKEN}, entities=[entity], **key)
    assert [error for page in pages for error in page.rejected] == []
    return records_of(pages)


def test_the_example_deals_are_taken(official: Vendor) -> None:
    """Three lists with the same deal: the one of the archive says so, and it is not the deleted one's."""
    plain = {"lost_reason": "Lost Reason", "probability": "90", "expected_close_date": "2021-01-01"}
    live = Deal(
        id="1", updated_at=DAY, name="Deal Title", amount=Decimal(200), currency="USD", pipeline="Pipeline Name",
        stage="Stage Name", status="open", owner="1", account="1", origin="ManuallyCreated", created_at=DAY,
        attributes=plain,
    )  # fmt: skip
    assert read(official, "deals", examples(official)) == [
        live,
        replace(live, attributes={**plain, "archived": "true"}),
        live,
    ]


def test_the_example_leads_are_taken(official: Vendor) -> None:
    lead = Lead(
        id="adf21080-0e10-11eb-879b-05d71fb426ec", updated_at=LED, status="new", origin="API", owner="1", created_at=LED
    )
    assert read(official, "leads", examples(official)) == [lead, replace(lead, status="lost")]


def test_the_example_activity_is_taken(official: Vendor) -> None:
    due = datetime(2021, 1, 1, 15, tzinfo=UTC)
    assert read(official, "activities", examples(official)) == [
        Activity(id="1", updated_at=DAY, kind="task", status="done", owner="1", created_at=DAY, due_at=due,
                 completed_at=DAY, attributes={"type": "activity_type"})
    ]  # fmt: skip


def test_the_example_call_logs_are_taken(official: Vendor) -> None:
    plain = {"direction": "outbound", "started_at": CALLED, "ended_at": CALLED}
    assert read(official, "calls", examples(official)) == [
        Call(id="CAd92b224eb4a39b5ad8fea92ff0e", status="busy", agent="777707777", **plain),
        Call(id="CAd92b224eb4a39b11a8fea92ff0e", status="missed", agent="777777777", **plain),
    ]


def test_the_example_users_are_taken_with_the_example_teams(official: Vendor) -> None:
    john = Person(id="1", updated_at=datetime(2019, 11, 21, 8, 45, 56, tzinfo=UTC), name="John Doe",
                  email="john@pipedrive.com", active=True)  # fmt: skip
    jane = Person(id="2", updated_at=datetime(2019, 11, 21, 9, 49, 50, tzinfo=UTC), name="Jane Doe",
                  email="jane@pipedrive.com", team="Closers", active=True)  # fmt: skip
    assert read(official, "people", examples(official)) == [john, jane]


def test_every_outcome_of_a_call_that_the_documents_name_is_known(documents: Vendor) -> None:
    file = documents.specifications[1]
    answer = file.shape.value(file.schema("/callLogs").read_value(), Wish(HELD))
    (row,) = answer["data"]
    named = file.shape.named(file.schema("/callLogs").read_value(), "data", "outcome")
    rows = [{**row, "id": each, "outcome": each} for each in named["enum"]]
    answers = {(file.name, "/callLogs"): {"success": True, "data": rows}}
    assert {call.id: call.status for call in read(documents, "calls", answers)} == OUTCOMES


HELD = {
    "success": True, "status": "won", "outcome": "connected", "type": "call", "currency": "eur", "duration": "61",
    "due_date": "2026-01-15", "due_time": "10:00:00",
    **{f"{name}_time": "2026-01-15T10:00:00Z" for name in ("add", "update", "won", "lost", "close", "marked_as_done")},
    "modified": "2026-01-15 10:00:00",
}  # fmt: skip
"""What fields hold of which a schema says only that they are texts or flags."""

AT = datetime(2026, 1, 15, 10, tzinfo=UTC)
LEAD_ID = "adf21080-0e10-11eb-879b-05d71fb426ec"
MADE: dict[str, list[Any]] = {
    "deals": [
        Deal(id="3", updated_at=AT, name="text", amount=Decimal("1.5"), currency="EUR", pipeline="text", stage="text",
             status="won", owner="3", account="3", origin="text", created_at=AT, closed_at=AT,
             attributes={"lost_reason": "text", "probability": "1.5", "expected_close_date": "2026-01-15"})
    ] * 3,
    "leads": [Lead(id=LEAD_ID, updated_at=AT, status="new", origin="text", owner="3", created_at=AT)] * 2,
    "activities": [
        Activity(id="3", updated_at=AT, kind="call", status="planned", owner="3", created_at=AT, due_at=AT,
                 attributes={"type": "call"})
    ],
    "calls": [
        Call(id="text", direction="outbound", status="answered", agent="3", started_at=AT, answered_at=AT, ended_at=AT,
             talk_seconds=61.0)
    ],
    "people": [Person(id="3", updated_at=AT, name="text", email="text", active=False)],
}  # fmt: skip
KEPT = ("won_time", "lost_time", "org_id")
"""Fields that stay although they may be null."""
NULL = {
    "deals": [replace(deal, attributes={"expected_close_date": "2026-01-15"}) for deal in MADE["deals"]],
    "people": [replace(person, updated_at=None) for person in MADE["people"]],
}
"""What is other where everything is null that may be."""


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("entity", ENTITIES)
def test_an_answer_is_taken_with_all_its_fields_and_with_as_many_nulls_as_may_be(
    documents: Vendor, entity: str, nulls: bool
) -> None:
    held = {name: value for name, value in HELD.items() if not nulls or name != "modified"}
    answers = {}
    for file in documents.specifications:
        for name, path in places(documents):
            if name == file.name:
                answers[name, path] = file.shape.value(file.schema(path).read_value(), Wish(held, nulls, KEPT))
                only(file.invalid(path, answers[name, path]), {})
    assert read(documents, entity, answers) == (NULL if nulls else MADE).get(entity, MADE[entity])
