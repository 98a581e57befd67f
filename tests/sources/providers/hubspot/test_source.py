"""A HubSpot account as a source: credentials, permissions, paths, limits and people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.demo.hubspot.access import TOKEN_LIFETIME
from exporter.demo.hubspot.api import SCOPES
from exporter.errors import RateLimitedError, Reason, SourceRejectedError
from exporter.passes import Listing, Pass
from exporter.sources.base import Access
from exporter.sources.providers.hubspot.api import SECONDS_BETWEEN_SEARCHES
from exporter.sources.providers.hubspot.source import PER_SECOND
from tests.demo.tiny_company import TinyCompany, deal, lead, phone_call, ticket
from tests.sources.account import SECRET, read_pass, run
from tests.sources.providers.hubspot.crm import Crm

OAUTH: dict[str, Any] = {
    "token": None,
    "oauth": {"client_id": "app", "client_secret": {"env": "SECRET"}, "refresh_token": {"env": "REFRESH"}},
}


@pytest.mark.parametrize(
    ("version", "paths"),
    [
        ("v3", {"/crm/v3/pipelines/deals", "/crm/v3/objects/deals", "/crm/v3/objects/deals/search"}),
        (
            "2026-03",
            {"/crm/pipelines/2026-03/deals", "/crm/objects/2026-03/deals", "/crm/objects/2026-03/deals/search"},
        ),
        (
            "2026-09",
            {"/crm/pipelines/2026-09/deals", "/crm/objects/2026-09/deals", "/crm/objects/2026-09/deals/search"},
        ),
    ],
)
def test_paths_carry_the_version_that_the_config_names(version: str, paths: set[str]) -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    assert read_pass(crm.source(api_version=version), Pass("deals", crm.clock.now)).ids() == ["1"]
    assert {request.url.path for request in crm.line.log} == paths


def test_the_default_address_is_hubspots_own() -> None:
    crm = Crm()
    read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert {request.url.host for request in crm.line.log} == {"api.hubapi.com"}


def test_every_entity_gives_its_own_kind_of_record() -> None:
    company = TinyCompany([deal(1)], [lead(2)], [ticket(3)], [phone_call(4, 0, inbound=False, line="Sales line")])
    crm = Crm(company)
    crm.clock.advance(10)
    source = crm.source("deals", "leads", "tickets", "calls", "people")
    kinds = {
        entity: type(read_pass(source, Pass(entity, crm.clock.now)).records[0]).__name__ for entity in source.entities
    }
    assert kinds == {"deals": "Deal", "leads": "Lead", "tickets": "Ticket", "calls": "Call", "people": "Person"}


@pytest.mark.parametrize(
    ("origin", "path"), [("contacts", "/objects/2026-03/contacts"), ("leads", "/objects/2026-03/leads")]
)
def test_leads_come_from_the_object_that_the_config_names(origin: str, path: str) -> None:
    crm = Crm(TinyCompany(leads=[lead(1, (0, "new"), (5, "working"))]))
    crm.clock.advance(10)
    result = read_pass(crm.source("leads", leads_from=origin), Pass("leads", crm.clock.now))
    assert result.one(1).status == "working"
    assert crm.line.asked(path)


def test_people_are_read_first_whatever_the_order_in_the_config() -> None:
    assert Crm().source("deals", "people", "calls").entities == ("people", "deals", "calls")


def test_people_are_all_owners_and_queues_with_their_teams() -> None:
    crm = Crm()
    result = read_pass(crm.source("people"), Pass("people", crm.clock.now))
    by_name = {record.name: record for record in result.records}
    assert len(by_name) == 42
    assert (by_name["Anna Keller"].team, by_name["Anna Keller"].active) == ("Sales North", True)
    assert by_name["Anna Keller"].email == "anna.keller@alpenwerk.example"
    assert by_name["Unassigned tickets"].attributes == {"type": "QUEUE"}
    assert (result.listing, result.cursor) == (Listing(), None)


def test_former_owners_keep_their_names() -> None:
    crm = Crm()
    crm.clock.advance(200 * 1440)
    former = [
        record for record in read_pass(crm.source("people"), Pass("people", crm.clock.now)).records if not record.active
    ]
    assert [(record.name, record.team, record.deleted) for record in former] == [("Petra Vogel", None, False)]


def test_a_token_that_ends_in_the_middle_of_a_pass_is_renewed_once(tmp_path: Path) -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 301)]), data_dir=tmp_path)

    def revoked_before_page_two(request: httpx.Request) -> None:
        if request.url.params.get("after") == "101" and "access-1" in request.headers["authorization"]:
            crm.access._issued.clear()

    crm.line.fault = revoked_before_page_two
    assert len(read_pass(crm.source(**OAUTH), Pass("deals", crm.clock.now)).ids()) == 300
    assert len(crm.line.asked("/oauth/2026-03/token")) == 2
    tries = [r.headers["authorization"] for r in crm.line.log if r.url.params.get("after") == "101"]
    assert tries == ["Bearer access-1", "Bearer access-2"]


def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]), data_dir=tmp_path)
    source = crm.source(**OAUTH)
    for _ in range(3):
        read_pass(source, Pass("deals", crm.clock.now))
        crm.clock.advance(TOKEN_LIFETIME / timedelta(minutes=1) - 0.5)
    assert len(crm.line.asked("/token")) == 3


def test_a_wrong_token_is_unauthorized_and_never_shown() -> None:
    crm = Crm()
    crm.access.token = "another"
    with pytest.raises(SourceRejectedError) as raised:
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert raised.value.reason is Reason.UNAUTHORIZED
    assert SECRET not in str(raised.value)


def test_a_malformed_token_is_not_an_outage() -> None:
    crm = Crm()
    crm.line.fault = lambda _: httpx.Response(530, html="<html>error code: 1016</html>")
    with pytest.raises(SourceRejectedError, match="well-formed") as raised:
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert raised.value.reason is Reason.UNAUTHORIZED


def test_a_page_of_html_is_rejected() -> None:
    crm = Crm()
    crm.line.fault = lambda _: httpx.Response(200, html="<html>Log in</html>")
    with pytest.raises(SourceRejectedError) as raised:
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert raised.value.reason is Reason.NOT_JSON


def test_check_says_what_may_be_read() -> None:
    crm = Crm()
    source = crm.source("deals", "people", "calls")
    assert run(source.check()) == (Access("people", True), Access("deals", True), Access("calls", True))


def test_check_names_the_missing_scope_of_each_entity() -> None:
    crm = Crm(scopes=SCOPES - {"crm.objects.deals.read", "crm.objects.owners.read"})
    people, deals, tickets = run(crm.source("deals", "people", "tickets").check())
    assert not deals.allowed
    assert "crm.objects.deals.read" in deals.missing
    assert "crm.objects.owners.read" in people.missing
    assert tickets.allowed


def test_check_reports_an_object_that_the_account_does_not_have() -> None:
    crm = Crm()
    crm.line.fault = lambda request: httpx.Response(404, json={}) if "leads" in request.url.path else None
    assert run(crm.source("leads", leads_from="leads").check()) == (
        Access(
            "leads",
            allowed=False,
            missing="not_found: /crm/objects/2026-03/leads: there is nothing at this address (404); "
            "check the address or path in the config, and whether your plan includes it",
        ),
    )


def test_check_does_not_take_an_outage_for_a_missing_permission() -> None:
    crm = Crm()
    crm.line.fault = lambda _: httpx.Response(500)
    (deals,) = run(crm.source().check())
    assert not deals.allowed
    assert deals.missing.startswith("server_error: ")


def test_a_missing_scope_fails_the_entity_instead_of_reading_an_empty_account() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]), scopes=SCOPES - {"crm.objects.deals.read"})
    with pytest.raises(SourceRejectedError, match=r"crm\.objects\.deals\.read") as raised:
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert raised.value.reason is Reason.FORBIDDEN


def test_requests_wait_before_they_exceed_the_window_of_ten_seconds() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 1201)]))
    crm.access.allowance.limit = 5
    assert len(read_pass(crm.source(), Pass("deals", crm.clock.now)).ids()) == 1200
    assert sum(crm.clock.slept) >= 20
    assert len(crm.line.log) == 1 + 1 + 12 + 1  # pipelines, total, pages, recycle bin: no request was repeated


def test_a_429_caused_by_other_apps_is_waited_out() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    answers = [httpx.Response(429, json={"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"})]
    crm.line.fault = lambda request: answers.pop() if answers and "objects" in request.url.path else None
    assert read_pass(crm.source(), Pass("deals", crm.clock.now)).ids() == ["1"]
    assert 10.0 in crm.clock.slept


def test_an_exhausted_daily_limit_ends_the_pass() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    crm.line.fault = lambda _: httpx.Response(429, json={"errorType": "RATE_LIMIT", "policyName": "DAILY"})
    with pytest.raises(RateLimitedError) as raised:
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert raised.value.retry_after == 14 * 3600  # it is ten o'clock in Zurich
    assert sum(crm.clock.slept) == 0


def test_searches_have_their_own_rate() -> None:
    crm = Crm(TinyCompany(deals=[deal(key, (0, "discovery"), (60, "won")) for key in range(1, 1001)]))
    crm.access.searches.limit = 5
    source = crm.source()
    first = read_pass(source, Pass("deals", crm.clock.now))
    crm.clock.advance(61)
    crm.clock.slept.clear()
    assert len(read_pass(source, Pass("deals", crm.clock.now, first.cursor)).ids()) == 1000
    assert crm.clock.slept == [SECONDS_BETWEEN_SEARCHES] * 5


def test_the_default_rate_stays_below_the_smallest_plans_limit() -> None:
    assert PER_SECOND * 10 < 100


def test_the_source_has_the_lag_of_its_vendor() -> None:
    assert Crm().source().lag == timedelta(seconds=60)


def test_close_closes_the_connections(tmp_path: Path) -> None:
    crm = Crm(data_dir=tmp_path)
    source = crm.source(**OAUTH)
    run(source.close())
    with pytest.raises(RuntimeError):
        read_pass(source, Pass("deals", crm.clock.now))
