"""From HubSpot's objects and owners to records, and the properties that each kind of object is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Call, Deal, Lead, Person, Ticket
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow, record_id, seconds_after
from exporter.sources.providers.hubspot.objects import ObjectKind, PropertyReader
from exporter.sources.providers.hubspot.pipelines import Stages, deal_status, no_status, ticket_status

DEAL_PROPERTIES = (
    "amount", "closedate", "createdate", "deal_currency_code", "dealname", "dealstage", "hs_analytics_source",
    "hs_is_closed", "hs_is_closed_won", "hs_lastmodifieddate", "hubspot_owner_id", "pipeline",
)  # fmt: skip


def deal(row: VendorRow, reader: PropertyReader) -> Deal:
    """A deal. An open deal's close date is only expected, so it becomes an attribute."""
    properties = row["properties"]
    stage = reader.stages[convert.text(properties.get("dealstage"), "stage")]
    status = stage.status or _calculated_status(properties)
    closes_at = reader.at(properties, "closedate")
    expected_close = closes_at.isoformat() if closes_at and status == "open" else None
    return Deal(
        **reader.common(row, expected_close=expected_close),
        name=convert.text(properties.get("dealname"), "name"),
        amount=convert.money(properties.get("amount"), "amount"),
        currency=convert.currency(properties.get("deal_currency_code"), "currency"),
        pipeline=reader.stages.pipeline(convert.text(properties.get("pipeline"), "pipeline")),
        stage=stage.label,
        status=status,
        owner=convert.text(properties.get("hubspot_owner_id"), "owner"),
        origin=convert.text(properties.get("hs_analytics_source"), "origin"),
        created_at=reader.at(properties, "createdate") or reader.at(row, "createdAt"),
        closed_at=closes_at if status != "open" else None,
    )


def _calculated_status(properties: VendorRow) -> str:
    """The status of a deal in a deleted stage, by HubSpot's own calculated properties."""
    closed = convert.flag(properties.get("hs_is_closed"), "status")
    if closed is None:
        raise InvalidRecordError(Reason.UNKNOWN_VALUE, "stage")
    if not closed:
        return "open"
    return "won" if convert.flag(properties.get("hs_is_closed_won"), "status") else "lost"


CONTACT_PROPERTIES = (
    "createdate", "hs_analytics_source", "hs_lead_status", "hs_lifecyclestage_customer_date",
    "hs_lifecyclestage_marketingqualifiedlead_date", "hs_lifecyclestage_opportunity_date",
    "hs_lifecyclestage_salesqualifiedlead_date", "hubspot_owner_id", "lastmodifieddate", "lifecyclestage",
)  # fmt: skip

_CONVERTED = frozenset({"opportunity", "customer", "evangelist"})
_QUALIFIED = frozenset({"marketingqualifiedlead", "salesqualifiedlead"})
_DROPPED = frozenset({"UNQUALIFIED", "BAD_TIMING"})
_WORKING = frozenset({"OPEN", "IN_PROGRESS", "OPEN_DEAL", "ATTEMPTED_TO_CONTACT", "CONNECTED"})


def contact(row: VendorRow, reader: PropertyReader) -> Lead:
    """A contact as a lead, by its lifecycle stage and, until it is qualified, its lead status."""
    properties = row["properties"]
    lifecycle = (convert.text(properties.get("lifecyclestage"), "status") or "").lower()
    lead_state = (convert.text(properties.get("hs_lead_status"), "status") or "").upper()
    qualified = [
        at
        for at in (
            reader.at(properties, "hs_lifecyclestage_marketingqualifiedlead_date"),
            reader.at(properties, "hs_lifecyclestage_salesqualifiedlead_date"),
        )
        if at is not None
    ]
    return Lead(
        **reader.common(row, lifecycle=lifecycle or None, lead_status=lead_state or None),
        status=contact_status(lifecycle, lead_state),
        origin=convert.text(properties.get("hs_analytics_source"), "origin"),
        owner=convert.text(properties.get("hubspot_owner_id"), "owner"),
        created_at=reader.at(properties, "createdate") or reader.at(row, "createdAt"),
        qualified_at=min(qualified, default=None),
        converted_at=reader.at(properties, "hs_lifecyclestage_opportunity_date")
        or reader.at(properties, "hs_lifecyclestage_customer_date"),
    )


def contact_status(lifecycle: str, lead_state: str) -> str:
    """new, working, qualified, converted or lost. Values that an account has added to either property are ignored."""
    if lifecycle in _CONVERTED:
        return "converted"
    if lead_state in _DROPPED:
        return "lost"
    if lifecycle in _QUALIFIED:
        return "qualified"
    return "working" if lead_state in _WORKING else "new"


_LEAD_STAGES: Mapping[str, str] = MappingProxyType(
    {
        "new-stage-id": "new",
        "attempting-stage-id": "working",
        "connected-stage-id": "working",
        "qualified-stage-id": "qualified",
        "unqualified-stage-id": "lost",
    }
)
"""Stages of the pipeline that every account with leads has; an account can change their labels, not their ids."""


def lead(row: VendorRow, reader: PropertyReader) -> Lead:
    """A record of HubSpot's leads object. It is converted once it has a deal; HubSpot does not say since when."""
    properties = row["properties"]
    stage = convert.text(properties.get("hs_pipeline_stage"), "status")
    deals = convert.number(properties.get("hs_lead_associated_deals_count"), "status") or 0
    status = lead_status(properties, stage)
    name = convert.text(properties.get("hs_lead_name"), "name")
    return Lead(
        **reader.common(row, stage=reader.stages[stage].label, name=name),
        status="converted" if status == "qualified" and deals >= 1 else status,
        origin=convert.text(properties.get("hs_lead_source"), "origin"),
        owner=convert.text(properties.get("hubspot_owner_id"), "owner"),
        created_at=reader.at(properties, "hs_createdate") or reader.at(row, "createdAt"),
        qualified_at=reader.at(properties, entry_property(stage)) if status == "qualified" else None,
    )


def lead_status(properties: VendorRow, stage: str | None) -> str:
    """By HubSpot's calculated flags, which also apply to custom stages, or else by the default stage."""
    for name, status in (("disqualified", "lost"), ("qualified", "qualified"), ("new", "new")):
        if convert.flag(properties.get(f"hs_lead_is_{name}"), "status"):
            return status
    return _LEAD_STAGES.get(stage or "", "working")


def entry_property(stage: str | None) -> str:
    """The property with the time at which a record entered a stage."""
    return f"hs_v2_date_entered_{stage}"


def lead_properties(stages: Stages) -> tuple[str, ...]:
    """The properties to ask for, including the entry time of each stage."""
    fixed = (
        "hs_createdate", "hs_lastmodifieddate", "hs_lead_associated_deals_count", "hs_lead_is_disqualified",
        "hs_lead_is_new", "hs_lead_is_qualified", "hs_lead_name", "hs_lead_source", "hs_pipeline",
        "hs_pipeline_stage", "hubspot_owner_id",
    )  # fmt: skip
    return (*fixed, *(entry_property(stage) for stage in sorted(stages.by_id)))


TICKET_PROPERTIES = (
    "closed_date", "createdate", "first_agent_reply_date", "hs_first_agent_message_sent_at", "hs_last_csat_rating",
    "hs_lastmodifieddate", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority",
    "hubspot_owner_id", "source_type",
)  # fmt: skip


def ticket(row: VendorRow, reader: PropertyReader) -> Ticket:
    """A ticket; its queue is its pipeline."""
    properties = row["properties"]
    stage = reader.stages[convert.text(properties.get("hs_pipeline_stage"), "status")]
    closed_at = reader.at(properties, "closed_date")
    status = stage.status or ("closed" if closed_at else "open")
    category = convert.text(properties.get("hs_ticket_category"), "category")
    return Ticket(
        **reader.common(row, stage=stage.label, category=category),
        status=status,
        priority=convert.text(properties.get("hs_ticket_priority"), "priority"),
        channel=convert.text(properties.get("source_type"), "channel"),
        queue=reader.stages.pipeline(convert.text(properties.get("hs_pipeline"), "queue")),
        agent=convert.text(properties.get("hubspot_owner_id"), "agent"),
        created_at=reader.at(properties, "createdate") or reader.at(row, "createdAt"),
        first_reply_at=reader.at(properties, "hs_first_agent_message_sent_at")
        or reader.at(properties, "first_agent_reply_date"),
        solved_at=closed_at if status == "closed" else None,
        satisfaction=convert.number(properties.get("hs_last_csat_rating"), "satisfaction"),
    )


CALL_PROPERTIES = (
    "hs_call_direction", "hs_call_disposition", "hs_call_duration", "hs_call_status", "hs_lastmodifieddate",
    "hs_timestamp", "hubspot_owner_id",
)  # fmt: skip

_CALL_STATUS: Mapping[str, str | None] = MappingProxyType(
    {
        "COMPLETED": "answered",
        "NO_ANSWER": "missed",
        "MISSED": "missed",
        "BUSY": "busy",
        "FAILED": "failed",
        "CANCELED": "abandoned",
        "CALLING_CRM_USER": None,
        "CONNECTING": None,
        "IN_PROGRESS": None,
        "QUEUED": None,
        "RINGING": None,
    }
)
"""None: the call is in progress."""

_DISPOSITION: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "9d9162e7-6cf3-4944-bf63-4dff82258764": ("Busy", "busy"),
        "f240bbac-87c9-4f6e-bf70-924b57d47db7": ("Connected", "answered"),
        "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": ("Left live message", "answered"),
        "b2cf5968-551e-4856-9783-52b3da59a7d0": ("Left voicemail", "voicemail"),
        "73a0d17f-1163-4015-bdd5-ec830791da20": ("No answer", "missed"),
        "17b47fee-58de-441e-a44c-c6300d46f273": ("Wrong number", "answered"),
    }
)
"""The outcomes that every account has: label and status. A call logged by hand is COMPLETED whatever its outcome."""


def call(row: VendorRow, reader: PropertyReader) -> Call:
    """A logged call. HubSpot has neither queue nor waiting time; durations are in milliseconds."""
    properties = row["properties"]
    outcome = _DISPOSITION.get(convert.text(properties.get("hs_call_disposition"), "status") or "")
    status = call_status(convert.text(properties.get("hs_call_status"), "status"), outcome)
    started_at = reader.at(properties, "hs_timestamp")
    duration = convert.seconds(properties.get("hs_call_duration"), "talk_seconds", "ms")
    return Call(
        **reader.common(row, outcome=outcome[0] if outcome else None),
        direction=convert.choice(
            properties.get("hs_call_direction"), "direction", {"INBOUND": "inbound", "OUTBOUND": "outbound"}
        ),
        status=status,
        agent=convert.text(properties.get("hubspot_owner_id"), "agent"),
        started_at=started_at,
        ended_at=seconds_after(started_at, duration),
        talk_seconds=duration if status == "answered" else None,
    )


def call_status(call_state: str | None, outcome: tuple[str, str] | None) -> str | None:
    """HubSpot's call status, refined by the outcome that a user logged; None while the call is in progress."""
    if outcome is not None and call_state in (None, "COMPLETED"):
        return outcome[1]
    return convert.choice(call_state, "status", _CALL_STATUS)


def owner(row: VendorRow) -> Person:
    """An owner, in the main team. No change time: HubSpot's does not move when an owner is archived or changes team."""
    name = " ".join(filter(None, (convert.text(row.get(key), "name") for key in ("firstName", "lastName"))))
    email = convert.text(row.get("email"), "email")
    teams = sorted(row.get("teams") or (), key=lambda team: not team.get("primary"))
    kind = convert.text(row.get("type"), "type")
    return Person(
        id=record_id(row),
        attributes={"type": kind} if kind not in (None, "PERSON") else {},
        name=name or email,
        email=email,
        team=convert.text(teams[0].get("name"), "team") if teams else None,
        active=row.get("archived") is not True,
    )


def _always(*properties: str) -> Callable[[Stages], tuple[str, ...]]:
    return lambda _: properties


CONTACTS = ObjectKind(
    "contacts", "leads", "crm.objects.contacts.read", _always(*CONTACT_PROPERTIES), contact,
    modified="lastmodifieddate",
)  # fmt: skip
LEADS = ObjectKind("leads", "leads", "crm.objects.leads.read", lead_properties, lead, no_status)

BY_ENTITY: Mapping[str, ObjectKind] = MappingProxyType(
    {
        "deals": ObjectKind("deals", "deals", "crm.objects.deals.read", _always(*DEAL_PROPERTIES), deal, deal_status),
        "leads": CONTACTS,
        "tickets": ObjectKind("tickets", "tickets", "tickets", _always(*TICKET_PROPERTIES), ticket, ticket_status),
        "calls": ObjectKind("calls", "calls", "crm.objects.contacts.read", _always(*CALL_PROPERTIES), call),
    }
)
"""The kind of object that an entity is read from; `LEADS` if the options say so."""

OWNERS_SCOPE = "crm.objects.owners.read"
