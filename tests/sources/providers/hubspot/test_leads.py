"""How leads are read from contacts and from HubSpot's leads object."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.sources.providers.hubspot.payloads import contact, contact_status, lead, lead_properties
from exporter.sources.providers.hubspot.pipelines import Stage, Stages
from tests.sources.providers.hubspot.rows import reader, row


@pytest.mark.parametrize(
    ("lifecycle", "state", "status"),
    [
        ("", "", "new"),
        ("subscriber", "", "new"),
        ("lead", "", "new"),
        ("lead", "NEW", "new"),
        ("lead", "OPEN", "working"),
        ("lead", "IN_PROGRESS", "working"),
        ("lead", "OPEN_DEAL", "working"),
        ("lead", "ATTEMPTED_TO_CONTACT", "working"),
        ("lead", "CONNECTED", "working"),
        ("lead", "UNQUALIFIED", "lost"),
        ("lead", "BAD_TIMING", "lost"),
        ("marketingqualifiedlead", "", "qualified"),
        ("marketingqualifiedlead", "IN_PROGRESS", "qualified"),
        ("salesqualifiedlead", "NEW", "qualified"),
        ("salesqualifiedlead", "UNQUALIFIED", "lost"),
        ("opportunity", "", "converted"),
        ("customer", "", "converted"),
        ("evangelist", "", "converted"),
        ("customer", "UNQUALIFIED", "converted"),
        ("other", "", "new"),
        ("48817211", "A stage of our own", "new"),
        ("48817211", "CONNECTED", "working"),
    ],
)
def test_the_status_of_a_contact(lifecycle: str, state: str, status: str) -> None:
    assert contact_status(lifecycle, state) == status


def test_a_contact_has_the_times_of_qualification_and_conversion() -> None:
    record = contact(
        row(
            lifecyclestage="Opportunity",
            hs_lead_status="open_deal",
            hs_analytics_source="PAID_SEARCH",
            hubspot_owner_id="70110002",
            createdate="2026-02-01T10:00:00Z",
            hs_lifecyclestage_marketingqualifiedlead_date="2026-02-03T10:00:00Z",
            hs_lifecyclestage_salesqualifiedlead_date="2026-02-05T10:00:00Z",
            hs_lifecyclestage_opportunity_date="2026-02-09T10:00:00Z",
            hs_lifecyclestage_customer_date="2026-02-20T10:00:00Z",
        ),
        reader(),
    )
    assert (record.status, record.origin, record.owner) == ("converted", "PAID_SEARCH", "70110002")
    assert record.created_at == datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert record.qualified_at == datetime(2026, 2, 3, 10, tzinfo=UTC)
    assert record.converted_at == datetime(2026, 2, 9, 10, tzinfo=UTC)
    assert record.attributes == {"lifecycle": "opportunity", "lead_status": "OPEN_DEAL"}


def test_without_an_opportunity_a_contact_is_converted_when_it_becomes_a_customer() -> None:
    record = contact(row(lifecyclestage="customer", hs_lifecyclestage_customer_date="2026-02-20T10:00:00Z"), reader())
    assert (record.qualified_at, record.converted_at) == (None, datetime(2026, 2, 20, 10, tzinfo=UTC))


STAGES = {
    "qualified-stage-id": Stage("Qualified", "Lead pipeline", None),
    "5300017357": Stage("Hot", "Lead pipeline", None),
}


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"hs_pipeline_stage": "new-stage-id"}, "new"),
        ({"hs_pipeline_stage": "attempting-stage-id"}, "working"),
        ({"hs_pipeline_stage": "connected-stage-id"}, "working"),
        ({"hs_pipeline_stage": "qualified-stage-id"}, "qualified"),
        ({"hs_pipeline_stage": "unqualified-stage-id"}, "lost"),
        ({"hs_pipeline_stage": "5300017357"}, "working"),
        ({"hs_pipeline_stage": "5300017357", "hs_lead_is_qualified": "true"}, "qualified"),
        ({"hs_pipeline_stage": "5300017357", "hs_lead_is_disqualified": "true"}, "lost"),
        ({"hs_pipeline_stage": "5300017357", "hs_lead_is_new": "true"}, "new"),
        ({"hs_pipeline_stage": "qualified-stage-id", "hs_lead_associated_deals_count": "1"}, "converted"),
        ({"hs_pipeline_stage": "new-stage-id", "hs_lead_associated_deals_count": "1"}, "new"),
        ({"hs_pipeline_stage": None}, "working"),
    ],
)
def test_the_status_of_a_lead(properties: dict[str, Any], status: str) -> None:
    assert lead(row(**properties), reader(**STAGES)).status == status


def test_a_lead_is_qualified_when_it_enters_its_current_stage() -> None:
    properties = {
        "hs_lead_is_qualified": "true", "hs_pipeline_stage": "5300017357", "hs_lead_name": "Jura Foods",
        "hs_v2_date_entered_5300017357": "2026-02-03T10:00:00Z", "hs_lead_source": "REFERRALS",
    }  # fmt: skip
    record = lead(row(**properties), reader(**STAGES))
    assert record.qualified_at == datetime(2026, 2, 3, 10, tzinfo=UTC)
    assert record.converted_at is None
    assert record.attributes == {"stage": "Hot", "name": "Jura Foods"}


def test_a_converted_lead_has_the_time_of_its_qualification() -> None:
    properties = {
        "hs_pipeline_stage": "qualified-stage-id", "hs_lead_associated_deals_count": "2",
        "hs_v2_date_entered_qualified-stage-id": "2026-02-03T10:00:00Z",
    }  # fmt: skip
    assert lead(row(**properties), reader(**STAGES)).qualified_at == datetime(2026, 2, 3, 10, tzinfo=UTC)


def test_the_entry_time_of_every_stage_is_requested() -> None:
    properties = lead_properties(Stages(STAGES))
    assert properties[-2:] == ("hs_v2_date_entered_5300017357", "hs_v2_date_entered_qualified-stage-id")
