"""Passes over a Salesforce that stamps alike, deletes, cuts results, times out, limits and hides fields."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from exporter.errors import IncompletePassError, RateLimitedError, Reason, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import Listing, Page, Pass
from exporter.sources.registry import create
from tests.sources.around import NOW, Clock, options, records_of, run, surroundings
from tests.sources.salesforce.vendor import HOST, SECRET, Salesforce, error, key, stamp


def source(vendor: Salesforce, entity: str = "deals", **given: Any) -> Any:
    """The provider in front of the fake."""
    ways = {} if "jwt" in given else {"client_secret": {"env": "SECRET"}}
    chosen = options(provider="salesforce", base_url=HOST, client_id="app", entities=[entity], **ways, **given)
    return create(chosen, surroundings(vendor.transport(), clock=Clock(), SECRET=SECRET))


def read(
    vendor: Salesforce,
    entity: str = "deals",
    cursor: str | None = None,
    resume: str | None = None,
    at: datetime = NOW,
    **given: Any,
) -> list[Page]:
    """All pages of one pass."""

    async def gather() -> list[Page]:
        return [page async for page in source(vendor, entity, **given).read(Pass(entity, at, cursor, resume))]

    return run(gather())


def by_id(pages: list[Page]) -> dict[str, Any]:
    """The last record of each id."""
    return {record.id: record for record in records_of(pages)}


@pytest.mark.parametrize(
    ("fields", "status", "closed"),
    [
        ({}, "open", None),
        ({"IsClosed": True, "IsWon": True, "CloseDate": "2026-02-28"}, "won", datetime(2026, 2, 27, 23, tzinfo=UTC)),
        ({"IsClosed": True, "CloseDate": "2026-02-28"}, "lost", datetime(2026, 2, 27, 23, tzinfo=UTC)),
    ],
)
def test_each_state_of_an_opportunity_is_ours(fields: dict[str, Any], status: str, closed: datetime | None) -> None:
    """Pitfall: CloseDate is a date of the company, and of an open opportunity no more than a hope."""
    vendor = Salesforce()
    vendor.opportunity(1, **fields)
    (deal,) = records_of(read(vendor))
    assert (deal.status, deal.closed_at, deal.amount) == (status, closed, Decimal("1000.25"))
    assert (deal.owner, deal.account, deal.currency) == (key(1, "005"), key(1, "001"), None)
    assert deal.created_at == NOW - timedelta(days=9)


def test_the_currency_is_asked_for_only_where_the_org_has_it() -> None:
    vendor = Salesforce()
    vendor.opportunity(1, CurrencyIsoCode="EUR")
    read(vendor)
    assert "CurrencyIsoCode" not in vendor.queries[-1]
    vendor.fields["Opportunity"].add("CurrencyIsoCode")
    assert records_of(read(vendor))[0].currency == "EUR"


def test_rows_of_one_stamp_that_fill_several_answers_are_all_read() -> None:
    """Pitfalls: a block of equal stamps larger than a page; a strict comparison that skips rows."""
    vendor = Salesforce(limit=3)
    for number in range(10):
        vendor.opportunity(number)
    pages = read(vendor)
    assert sorted(by_id(pages)) == [key(number) for number in range(10)]
    assert [page.listing for page in pages] == [None, None, None, Listing()]


def test_an_answer_in_parts_is_followed_to_its_end() -> None:
    vendor = Salesforce(part=4)
    for number in range(10):
        vendor.opportunity(number)
    assert len(by_id(read(vendor))) == 10


def test_rows_that_are_promised_and_not_given_publish_nothing() -> None:
    """Pitfall: a result that is cut without a word."""
    for rows in (0, 1):
        vendor = Salesforce()
        vendor.opportunity(1)
        body = {"done": True, "totalSize": 2, "records": list(vendor.rows["Opportunity"].values())[:rows]}
        vendor.before = lambda r, body=body: httpx.Response(200, json=body) if "queryAll" in r.url.path else None
        with pytest.raises(IncompletePassError) as raised:
            read(vendor)
        assert raised.value.reason is Reason.CAPPED


@pytest.mark.parametrize(
    ("day", "midnight"),
    [("2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC)), ("2026-03-30", datetime(2026, 3, 29, 22, tzinfo=UTC)),
     ("2025-10-26", datetime(2025, 10, 25, 22, tzinfo=UTC)), ("2025-10-27", datetime(2025, 10, 26, 23, tzinfo=UTC))],
)  # fmt: skip
def test_a_close_date_is_the_companys_day_when_clocks_change_too(day: str, midnight: datetime) -> None:
    vendor = Salesforce()
    vendor.opportunity(1, IsClosed=True, CloseDate=day)
    assert records_of(read(vendor))[0].closed_at == midnight


def test_deleted_rows_come_from_the_recycle_bin_as_tombstones() -> None:
    """Pitfall: deletions and merge losers are only in queryAll."""
    vendor = Salesforce()
    vendor.opportunity(1, IsDeleted=True)
    (deal,) = records_of(read(vendor))
    assert deal.deleted
    assert all("/queryAll" in r.url.path for r in vendor.log if r.url.path.endswith(("query", "queryAll")))


def test_changes_are_read_from_the_last_stamp_on_with_an_overlap() -> None:
    """Pitfall: rows that were committed late appear minutes behind the saved stamp."""
    vendor = Salesforce()
    vendor.opportunity(1, at=NOW - timedelta(hours=2))
    cursor = read(vendor)[-1].cursor
    assert cursor == (NOW - timedelta(hours=2)).isoformat()
    vendor.opportunity(2, at=NOW - timedelta(hours=2, minutes=5))
    vendor.opportunity(3, at=NOW - timedelta(hours=3))
    pages = read(vendor, cursor=cursor)
    assert sorted(by_id(pages)) == [key(1), key(2)]
    assert (pages[-1].cursor, pages[-1].listing) == (cursor, None)


def test_a_stamp_in_the_future_does_not_carry_the_cursor_past_the_pass() -> None:
    vendor = Salesforce()
    vendor.opportunity(1, at=NOW + timedelta(hours=5))
    assert read(vendor)[-1].cursor == (NOW - timedelta(seconds=60)).isoformat()
    assert read(Salesforce(), cursor=NOW.isoformat())[-1].cursor == NOW.isoformat()


def test_an_interrupted_pass_goes_on_behind_the_last_row() -> None:
    vendor = Salesforce(limit=3)
    for number in range(10):
        vendor.opportunity(number)
    first, *_ = read(vendor)
    rest = read(vendor, resume=first.resume)
    assert sorted(by_id([first, *rest])) == [key(number) for number in range(10)]


def test_a_query_that_takes_too_long_is_asked_in_shorter_spans() -> None:
    """Pitfall: windows so large that they never finish."""
    vendor = Salesforce(slow=timedelta(days=5))
    for number in range(6):
        vendor.opportunity(number, at=NOW - timedelta(days=10 * number + 1))
    cursor = (NOW - timedelta(days=60)).isoformat()
    assert len(by_id(read(vendor, cursor=cursor))) == 6
    assert any("SystemModstamp <" in query for query in vendor.queries)


def test_a_server_that_is_always_too_slow_gives_up_after_four_halvings() -> None:
    vendor = Salesforce(slow=timedelta(seconds=-1))
    with pytest.raises(SourceUnavailableError) as raised:
        read(vendor, cursor=NOW.isoformat())
    assert raised.value.reason is Reason.TIMEOUT


def test_fields_that_the_user_may_not_read_are_named() -> None:
    vendor = Salesforce()
    vendor.fields["Opportunity"] -= {"IsWon"}
    with pytest.raises(SourceRejectedError, match="may not read IsWon") as raised:
        read(vendor)
    assert raised.value.reason is Reason.FORBIDDEN
    with pytest.raises(SourceRejectedError, match="Nothing__c"):
        read(vendor, fields={"deals": ["Nothing__c"]})


def test_custom_fields_are_attributes() -> None:
    vendor = Salesforce()
    vendor.opportunity(1, Region__c="North")
    assert records_of(read(vendor, fields={"deals": ["Region__c"]}))[0].attributes == {"Region__c": "North"}


@pytest.mark.parametrize(
    ("status", "converted", "ours"),
    [("Open - Not Contacted", False, "new"), ("Working - Contacted", False, "working"),
     ("Qualified", False, "qualified"), ("Closed - Not Converted", False, "lost"),
     ("Closed - Converted", True, "converted"), ("Our own", False, "working"), ("Special", False, "qualified")],
)  # fmt: skip
def test_each_status_of_a_lead_is_ours(status: str, converted: bool, ours: str) -> None:
    vendor = Salesforce()
    vendor.put("Lead", Status=status, IsConverted=converted, ConvertedDate="2026-02-01", OwnerId="x",
               CreatedDate=stamp(NOW))  # fmt: skip
    (lead,) = records_of(read(vendor, "leads", lead_states={"Special": "qualified"}))
    assert lead.status == ours
    assert (lead.converted_at is not None) is converted


@pytest.mark.parametrize(
    ("subtype", "ours"),
    [("Task", "task"), ("Email", "email"), ("ListEmail", "email"), ("Call", "call"), (None, "task")],
)
def test_each_subtype_of_a_task_is_ours(subtype: str | None, ours: str) -> None:
    vendor = Salesforce()
    vendor.put("Task", Status="Completed", IsClosed=True, TaskSubtype=subtype, OwnerId="x", CreatedDate=stamp(NOW),
               ActivityDate="2026-03-01", CompletedDateTime=stamp(NOW))  # fmt: skip
    (found,) = records_of(read(vendor, "activities"))
    assert (found.kind, found.completed_at) == (ours, NOW)
    assert found.due_at == datetime(2026, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "closed", "ours"),
    [("New", False, "open"), ("On Hold", False, "pending"), ("Escalated", False, "open"), ("Closed", True, "closed")],
)
def test_each_status_of_a_case_is_ours_and_queues_are_no_people(status: str, closed: bool, ours: str) -> None:
    vendor = Salesforce()
    done = stamp(NOW) if closed else None
    plain = {"Status": status, "IsClosed": closed, "Origin": "Phone", "CreatedDate": stamp(NOW), "ClosedDate": done}
    vendor.put("Case", OwnerId=key(1, "00G"), **plain)
    vendor.put("Case", OwnerId=key(1, "005"), **plain)
    queued, taken = records_of(read(vendor, "tickets"))
    assert (queued.status, queued.queue, queued.agent) == (ours, key(1, "00G"), None)
    assert (taken.queue, taken.agent, taken.solved_at) == (None, key(1, "005"), NOW if closed else None)


def test_users_are_people_in_their_departments() -> None:
    vendor = Salesforce()
    vendor.put("User", Name="Ada", Email="ada@example.com", IsActive=True, Department="North")
    (person,) = records_of(read(vendor, "people"))
    assert (person.name, person.email, person.team, person.active) == ("Ada", "ada@example.com", "North", True)


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (error("REQUEST_LIMIT_EXCEEDED", 403), RateLimitedError, Reason.RATE_LIMITED),
        (error("UNABLE_TO_LOCK_ROW"), SourceUnavailableError, Reason.SERVER_ERROR),
        (error("INVALID_QUERY_LOCATOR"), SourceUnavailableError, Reason.PROTOCOL),
        (error("INVALID_FIELD"), SourceRejectedError, Reason.SCHEMA),
        (error("INVALID_TYPE"), SourceRejectedError, Reason.FORBIDDEN),
        (httpx.Response(400, content=b"no json"), SourceRejectedError, Reason.BAD_REQUEST),
        (httpx.Response(200, json={"records": []}), SourceRejectedError, Reason.SCHEMA),
        (httpx.Response(200, json={"done": True, "records": [{"Id": "x"}]}), SourceRejectedError, None),
    ],
)
def test_refusals_are_named(answer: httpx.Response, kind: type, reason: Reason | None) -> None:
    """Pitfall: a used-up quota is a 403."""
    vendor = Salesforce(before=lambda r: answer if r.url.path.endswith("queryAll") else None)
    with pytest.raises(kind) as raised:
        read(vendor)
    assert reason is None or raised.value.reason is reason
    assert SECRET not in str(raised.value)


def test_a_description_without_fields_is_a_schema_error() -> None:
    vendor = Salesforce(before=lambda r: httpx.Response(200, json={}) if "describe" in r.url.path else None)
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor)
    assert raised.value.reason is Reason.SCHEMA


def test_the_share_of_the_quota_that_belongs_to_others_is_left_to_them() -> None:
    vendor = Salesforce(usage="api-usage=12001/15000")
    vendor.opportunity(1)
    with pytest.raises(RateLimitedError) as raised:
        read(vendor)
    assert raised.value.retry_after > 3000
    assert len(by_id(read(Salesforce(usage="api-usage=11999/15000", rows=vendor.rows)))) == 1


def test_a_session_that_ends_is_renewed_once() -> None:
    ended = [True]

    def end(request: httpx.Request) -> httpx.Response | None:
        return error("INVALID_SESSION_ID", 401) if "queryAll" in request.url.path and ended and ended.pop() else None

    vendor = Salesforce(before=end)
    vendor.opportunity(1)
    assert len(by_id(read(vendor))) == 1
    assert vendor.tokens == 2


def test_the_same_part_again_ends_the_pass() -> None:
    """Pitfall: a cursor that comes back."""
    loop = {"done": False, "records": [], "nextRecordsUrl": "/services/data/v64.0/query/abc"}
    vendor = Salesforce(before=lambda r: httpx.Response(200, json=loop) if "/query" in r.url.path else None)
    with pytest.raises(Exception, match="came again"):
        read(vendor)


def test_a_page_that_ends_where_the_one_before_ended_stops_the_pass() -> None:
    vendor = Salesforce()
    vendor.opportunity(1)
    same = {"done": True, "records": [vendor.rows["Opportunity"][key(1)]]}
    vendor.before = lambda r: httpx.Response(200, json=same) if "queryAll" in r.url.path else None
    with pytest.raises(Exception, match="ended"):
        read(vendor)


def test_check_names_what_the_user_may_not_read() -> None:
    vendor = Salesforce()
    del vendor.fields["Lead"]
    (lacking,) = run(source(vendor, "leads").check())
    assert (lacking.allowed, lacking.missing) == (False, "read access to Lead")
    (fine,) = run(source(vendor, "deals").check())
    assert fine.allowed
    vendor.before = lambda _: httpx.Response(500, json=[])
    (failing,) = run(source(vendor, "deals").check())
    assert failing.missing.startswith("server_error: ")


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_an_assertion_is_signed_for_the_orgs_own_address(private_key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    vendor = Salesforce()
    vendor.opportunity(1)
    given = {"user": "reader@acme.example", "private_key": {"file": str(tmp_path / "key.pem")}}
    assert len(by_id(read(vendor, jwt=given))) == 1
    form = httpx.QueryParams(vendor.log[0].content.decode())
    public = private_key.public_key()
    claims = jwt.decode(form["assertion"], public, algorithms=["RS256"], audience=HOST, options={"verify_exp": False})
    assert (claims["iss"], claims["sub"]) == ("app", "reader@acme.example")
    assert claims["exp"] == int((NOW + timedelta(minutes=3)).timestamp())


def test_a_key_that_is_none_or_missing_is_unauthorized(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key", encoding="utf-8")
    for name in ("key.pem", "nowhere.pem"):
        given = {"user": "reader", "private_key": {"file": str(tmp_path / name)}}
        with pytest.raises(SourceRejectedError) as raised:
            read(Salesforce(), jwt=given)
        assert raised.value.reason is Reason.UNAUTHORIZED


def test_exactly_one_way_in_is_asked_for() -> None:
    with pytest.raises(ValueError, match="exactly one of client_secret and jwt"):
        options(provider="salesforce", base_url=HOST, client_id="app")
