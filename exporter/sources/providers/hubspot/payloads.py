"""Leads, out of contacts with a lifecycle stage or out of HubSpot's own leads object."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from exporter.records import Lead
from exporter.sources.parsing import convert
from exporter.sources.providers.hubspot.pipelines import Stages
from exporter.sources.providers.hubspot.shape import Shape

CONTACT_PROPERTIES = (
    "createdate", "hs_analytics_source", "hs_lead_status", "hs_lifecyclestage_customer_date",
    "hs_lifecyclestage_marketingqualifiedlead_date", "hs_lifecyclestage_opportunity_date",
    "hs_lifecyclestage_salesqualifiedlead_date", "hubspot_owner_id", "lastmodifieddate", "lifecyclestage",
)  # fmt: skip

_CONVERTED = frozenset({"opportunity", "customer", "evangelist"})
_QUALIFIED = frozenset({"marketingqualifiedlead", "salesqualifiedlead"})
_DROPPED = frozenset({"UNQUALIFIED", "BAD_TIMING"})
_WORKING = frozenset({"OPEN", "IN_PROGRESS", "OPEN_DEAL", "ATTEMPTED_TO_CONTACT", "CONNECTED"})
_LEAD_STAGES: Mapping[str, str] = MappingProxyType(
    {
        "new-stage-id": "new",
        "attempting-stage-id": "working",
        "connected-stage-id": "working",
        "qualified-stage-id": "qualified",
        "unqualified-stage-id": "lost",
    }
)
"""Stages of the pipeline that every account with leads has; their labels may be changed, their ids not."""


def contact(row: Mapping[str, Any], shape: Shape) -> Lead:
    """A contact as a lead, by its lifecycle stage and, before it is qualified, its lead status."""
    properties = row["properties"]
    lifecycle = (convert.text(properties.get("lifecyclestage"), "status") or "").lower()
    state = (convert.text(properties.get("hs_lead_status"), "status") or "").upper()
    qualified = [
        at
        for at in (
            shape.at(properties, "hs_lifecyclestage_marketingqualifiedlead_date"),
            shape.at(properties, "hs_lifecyclestage_salesqualifiedlead_date"),
        )
        if at is not None
    ]
    return Lead(
        **shape.common(row, lifecycle=lifecycle or None, lead_status=state or None),
        status=contact_status(lifecycle, state),
        origin=convert.text(properties.get("hs_analytics_source"), "origin"),
        owner=convert.text(properties.get("hubspot_owner_id"), "owner"),
        created_at=shape.at(properties, "createdate") or shape.at(row, "createdAt"),
        qualified_at=min(qualified, default=None),
        converted_at=shape.at(properties, "hs_lifecyclestage_opportunity_date")
        or shape.at(properties, "hs_lifecyclestage_customer_date"),
    )


def contact_status(lifecycle: str, state: str) -> str:
    """new, working, qualified, converted or lost. Accounts may add values to both: those decide nothing."""
    if lifecycle in _CONVERTED:
        return "converted"
    if state in _DROPPED:
        return "lost"
    if lifecycle in _QUALIFIED:
        return "qualified"
    return "working" if state in _WORKING else "new"


def lead(row: Mapping[str, Any], shape: Shape) -> Lead:
    """A record of HubSpot's leads object. It is converted once a deal came of it; when is not known."""
    properties = row["properties"]
    stage = convert.text(properties.get("hs_pipeline_stage"), "status")
    deals = convert.number(properties.get("hs_lead_associated_deals_count"), "status") or 0
    status = lead_status(properties, stage)
    return Lead(
        **shape.common(row, stage=shape.stages[stage].label, name=convert.text(properties.get("hs_lead_name"), "name")),
        status="converted" if status == "qualified" and deals >= 1 else status,
        origin=convert.text(properties.get("hs_lead_source"), "origin"),
        owner=convert.text(properties.get("hubspot_owner_id"), "owner"),
        created_at=shape.at(properties, "hs_createdate") or shape.at(row, "createdAt"),
        qualified_at=shape.at(properties, entered(stage)) if status == "qualified" else None,
    )


def lead_status(properties: Mapping[str, Any], stage: str | None) -> str:
    """By HubSpot's calculated flags, which hold for stages of one's own too, else by the default stage."""
    for name, status in (("disqualified", "lost"), ("qualified", "qualified"), ("new", "new")):
        if convert.flag(properties.get(f"hs_lead_is_{name}"), "status"):
            return status
    return _LEAD_STAGES.get(stage or "", "working")


def entered(stage: str | None) -> str:
    """The property that says when a record came into a stage."""
    return f"hs_v2_date_entered_{stage}"


def lead_properties(stages: Stages) -> tuple[str, ...]:
    """The properties to ask for, among them when each stage was entered."""
    own = (
        "hs_createdate", "hs_lastmodifieddate", "hs_lead_associated_deals_count", "hs_lead_is_disqualified",
        "hs_lead_is_new", "hs_lead_is_qualified", "hs_lead_name", "hs_lead_source", "hs_pipeline",
        "hs_pipeline_stage", "hubspot_owner_id",
    )  # fmt: skip
    return (*own, *(entered(stage) for stage in sorted(stages.by_id)))
