"""How tickets are read from HubSpot's rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.records import Ticket
from exporter.sources.providers.hubspot.payloads import ticket
from exporter.sources.providers.hubspot.pipelines import Stage
from tests.sources.providers.hubspot.rows import reader, row

STAGES = {"4": Stage("Closed", "Support", "closed"), "2": Stage("Waiting on contact", "Support", "open")}


def read(**properties: Any) -> Ticket:
    return ticket(row(**properties), reader(**STAGES))


def test_a_closed_ticket_fills_every_column() -> None:
    record = read(
        hs_pipeline="default", hs_pipeline_stage="4", hs_ticket_priority="HIGH", source_type="EMAIL",
        hubspot_owner_id="70110025", createdate="2026-03-01T08:00:00Z", closed_date="2026-03-02T08:00:00Z",
        first_agent_reply_date="2026-03-01T09:00:00Z", hs_last_csat_rating="5", hs_ticket_category="BILLING_ISSUE",
    )  # fmt: skip
    assert (record.status, record.priority, record.channel, record.queue) == (
        "closed",
        "HIGH",
        "EMAIL",
        "Sales pipeline",
    )
    assert (record.agent, record.satisfaction) == ("70110025", 5.0)
    assert record.created_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert record.first_reply_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert record.solved_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert record.attributes == {"stage": "Closed", "category": "BILLING_ISSUE"}


def test_a_reopened_ticket_is_not_solved() -> None:
    record = read(hs_pipeline_stage="2", closed_date="2026-03-02T08:00:00Z")
    assert (record.status, record.solved_at, record.attributes["stage"]) == ("open", None, "Waiting on contact")


@pytest.mark.parametrize(("closed", "status"), [("2026-03-02T08:00:00Z", "closed"), (None, "open")])
def test_in_a_deleted_stage_the_closing_date_decides_the_status(closed: str | None, status: str) -> None:
    assert read(hs_pipeline_stage="gone", closed_date=closed).status == status


def test_the_newer_property_of_the_first_reply_takes_precedence() -> None:
    record = read(
        hs_pipeline_stage="2",
        hs_first_agent_message_sent_at="2026-03-01T08:30:00Z",
        first_agent_reply_date="2026-03-01T09:00:00Z",
    )
    assert record.first_reply_at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
