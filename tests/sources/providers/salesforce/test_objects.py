"""How records are read from Salesforce's objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.sources.providers.salesforce.passes import read
from tests.sources.providers.salesforce.vendor import Salesforce, key, stamp
from tests.sources.source_context import NOW, records_of


@pytest.mark.parametrize(
    ("fields", "status", "closed"),
    [
        ({}, "open", None),
        ({"IsClosed": True, "IsWon": True, "CloseDate": "2026-02-28"}, "won", datetime(2026, 2, 27, 23, tzinfo=UTC)),
        ({"IsClosed": True, "CloseDate": "2026-02-28"}, "lost", datetime(2026, 2, 27, 23, tzinfo=UTC)),
    ],
)
def test_each_state_of_an_opportunity_is_mapped(fields: dict[str, Any], status: str, closed: datetime | None) -> None:
    """Pitfall: CloseDate is a day in the company's zone, and for an open opportunity only an expectation."""
    vendor = Salesforce()
    vendor.opportunity(1, **fields)
    (deal,) = records_of(read(vendor))
    assert (deal.status, deal.closed_at, deal.amount) == (status, closed, Decimal("1000.25"))
    assert (deal.owner, deal.account, deal.currency) == (key(1, "005"), key(1, "001"), None)
    assert deal.created_at == NOW - timedelta(days=9)


def test_the_currency_is_selected_only_if_the_org_has_currencies() -> None:
    vendor = Salesforce()
    vendor.opportunity(1, CurrencyIsoCode="EUR")
    read(vendor)
    assert "CurrencyIsoCode" not in vendor.queries[-1]
    vendor.fields["Opportunity"].add("CurrencyIsoCode")
    assert records_of(read(vendor))[0].currency == "EUR"


@pytest.mark.parametrize(
    ("day", "midnight"),
    [("2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC)), ("2026-03-30", datetime(2026, 3, 29, 22, tzinfo=UTC)),
     ("2025-10-26", datetime(2025, 10, 25, 22, tzinfo=UTC)), ("2025-10-27", datetime(2025, 10, 26, 23, tzinfo=UTC))],
)  # fmt: skip
def test_a_close_date_is_a_day_in_the_companys_zone_also_when_clocks_change(day: str, midnight: datetime) -> None:
    vendor = Salesforce()
    vendor.opportunity(1, IsClosed=True, CloseDate=day)
    assert records_of(read(vendor))[0].closed_at == midnight


def test_custom_fields_are_attributes() -> None:
    vendor = Salesforce()
    vendor.opportunity(1, Region__c="North")
    assert records_of(read(vendor, fields={"deals": ["Region__c"]}))[0].attributes == {"Region__c": "North"}


@pytest.mark.parametrize(
    ("status", "converted", "expected"),
    [("Open - Not Contacted", False, "new"), ("Working - Contacted", False, "working"),
     ("Qualified", False, "qualified"), ("Closed - Not Converted", False, "lost"),
     ("Closed - Converted", True, "converted"), ("Our own", False, "working"), ("Special", False, "qualified")],
)  # fmt: skip
def test_each_status_of_a_lead_is_mapped(status: str, converted: bool, expected: str) -> None:
    vendor = Salesforce()
    vendor.put("Lead", Status=status, IsConverted=converted, ConvertedDate="2026-02-01", OwnerId="x",
               CreatedDate=stamp(NOW))  # fmt: skip
    (lead,) = records_of(read(vendor, "leads", lead_states={"Special": "qualified"}))
    assert lead.status == expected
    assert (lead.converted_at is not None) is converted


@pytest.mark.parametrize(
    ("subtype", "expected"),
    [("Task", "task"), ("Email", "email"), ("ListEmail", "email"), ("Call", "call"), (None, "task")],
)
def test_each_subtype_of_a_task_is_mapped(subtype: str | None, expected: str) -> None:
    vendor = Salesforce()
    vendor.put("Task", Status="Completed", IsClosed=True, TaskSubtype=subtype, OwnerId="x", CreatedDate=stamp(NOW),
               ActivityDate="2026-03-01", CompletedDateTime=stamp(NOW))  # fmt: skip
    (activity,) = records_of(read(vendor, "activities"))
    assert (activity.kind, activity.completed_at) == (expected, NOW)
    assert activity.due_at == datetime(2026, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "closed", "expected"),
    [("New", False, "open"), ("On Hold", False, "pending"), ("Escalated", False, "open"), ("Closed", True, "closed")],
)
def test_each_status_of_a_case_is_mapped_and_a_queue_is_not_an_agent(status: str, closed: bool, expected: str) -> None:
    vendor = Salesforce()
    closed_at = stamp(NOW) if closed else None
    plain = {
        "Status": status,
        "IsClosed": closed,
        "Origin": "Phone",
        "CreatedDate": stamp(NOW),
        "ClosedDate": closed_at,
    }
    vendor.put("Case", OwnerId=key(1, "00G"), **plain)
    vendor.put("Case", OwnerId=key(1, "005"), **plain)
    waiting, assigned = records_of(read(vendor, "tickets"))
    assert (waiting.status, waiting.queue, waiting.agent) == (expected, key(1, "00G"), None)
    assert (assigned.queue, assigned.agent, assigned.solved_at) == (None, key(1, "005"), NOW if closed else None)


def test_users_are_people_in_their_departments() -> None:
    vendor = Salesforce()
    vendor.put("User", Name="Ada", Email="ada@example.com", IsActive=True, Department="North")
    (person,) = records_of(read(vendor, "people"))
    assert (person.name, person.email, person.team, person.active) == ("Ada", "ada@example.com", "North", True)
