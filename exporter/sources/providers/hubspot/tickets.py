"""Tickets: open or closed by their stage's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exporter.records import Ticket
from exporter.sources.parsing import convert
from exporter.sources.providers.hubspot.shape import Shape

PROPERTIES = (
    "closed_date", "createdate", "first_agent_reply_date", "hs_first_agent_message_sent_at", "hs_last_csat_rating",
    "hs_lastmodifieddate", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority",
    "hubspot_owner_id", "source_type",
)  # fmt: skip


def ticket(row: Mapping[str, Any], shape: Shape) -> Ticket:
    """A ticket; its queue is its pipeline."""
    properties = row["properties"]
    stage = shape.stages[convert.text(properties.get("hs_pipeline_stage"), "status")]
    closed_at = shape.at(properties, "closed_date")
    status = stage.status or ("closed" if closed_at else "open")
    replied = shape.at(properties, "hs_first_agent_message_sent_at") or shape.at(properties, "first_agent_reply_date")
    return Ticket(
        **shape.common(row, stage=stage.label, category=convert.text(properties.get("hs_ticket_category"), "category")),
        status=status,
        priority=convert.text(properties.get("hs_ticket_priority"), "priority"),
        channel=convert.text(properties.get("source_type"), "channel"),
        queue=shape.stages.pipeline(convert.text(properties.get("hs_pipeline"), "queue")),
        agent=convert.text(properties.get("hubspot_owner_id"), "agent"),
        created_at=shape.at(properties, "createdate") or shape.at(row, "createdAt"),
        first_reply_at=replied,
        solved_at=closed_at if status == "closed" else None,
        satisfaction=convert.number(properties.get("hs_last_csat_rating"), "satisfaction"),
    )
