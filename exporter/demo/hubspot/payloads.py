"""The company's records in HubSpot's format: numbers as text, stages as ids, times in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.demo.company.entities import DealHistory, LeadHistory, PhoneCall, TicketHistory
from exporter.demo.company.staff import TEAMS, Employee

OWNER_BASE, TEAM_BASE, USER_BASE = 70_110_000, 31_500, 5_040_000
QUEUE_OWNER = OWNER_BASE + 900

_DEAL_STAGES = {
    False: ("default", "Sales pipeline", {
        "discovery": "appointmentscheduled", "demo": "qualifiedtobuy", "offer": "presentationscheduled",
        "negotiation": "decisionmakerboughtin", "contract": "contractsent", "won": "closedwon", "lost": "closedlost",
    }),
    True: ("7720040", "Partner pipeline", {
        "discovery": "7720041", "demo": "7720042", "offer": "7720043", "negotiation": "7720044",
        "contract": "7720045", "won": "7720046", "lost": "7720047",
    }),
}  # fmt: skip
_PROBABILITY = {"discovery": "0.2", "demo": "0.4", "offer": "0.6", "negotiation": "0.8", "contract": "0.9",
                "won": "1.0", "lost": "0.0"}  # fmt: skip
_TICKET_STAGES = {
    False: ("0", "Support Pipeline", {"new": "1", "waiting_on_contact": "2", "waiting_on_us": "3", "closed": "4"}),
    True: ("5120077", "Customer care", {
        "new": "5120078", "waiting_on_contact": "5120079", "waiting_on_us": "5120080", "closed": "5120081",
    }),
}  # fmt: skip
_LEAD_STAGES = {"new": "new-stage-id", "working": "attempting-stage-id", "qualified": "qualified-stage-id",
                "converted": "qualified-stage-id", "lost": "unqualified-stage-id"}  # fmt: skip
_LEAD_LABELS = {"new-stage-id": "New", "attempting-stage-id": "Attempting", "qualified-stage-id": "Qualified",
                "unqualified-stage-id": "Disqualified"}  # fmt: skip
_CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
_NO_ANSWER = "73a0d17f-1163-4015-bdd5-ec830791da20"

Properties = dict[str, str | None]


def iso(at: int | None) -> str | None:
    """An instant as HubSpot writes it."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def owner_id(member: int) -> str:
    """The owner id of a person."""
    return str(OWNER_BASE + member)


def deal(record: DealHistory, now: int) -> Properties:
    """Properties of a deal as of an instant."""
    pipeline, _, stages = _DEAL_STAGES[record.partner]
    stage, closed_at = record.stage(now), record.closed_at(now)
    return {
        "amount": str(record.amount_at(now)),
        "closedate": iso(closed_at or record.expected_at),
        "createdate": iso(record.created_at),
        "deal_currency_code": record.currency,
        "dealname": record.name,
        "dealstage": stages[stage],
        "hs_analytics_source": record.origin,
        "hs_is_closed": _flag(closed_at is not None),
        "hs_is_closed_won": _flag(stage == "won"),
        "hs_lastmodifieddate": iso(record.changed_at(now)),
        "hubspot_owner_id": owner_id(record.owner),
        "pipeline": pipeline,
    }


def contact(record: LeadHistory, now: int) -> Properties:
    """Properties of the contact that represents a lead."""
    qualified_at, converted_at = record.entered("qualified", now), record.entered("converted", now)
    stage = "opportunity" if converted_at else "salesqualifiedlead" if qualified_at else "lead"
    state = {"new": "NEW", "working": "IN_PROGRESS", "lost": "UNQUALIFIED"}.get(record.stage(now), "OPEN_DEAL")
    return {
        "company": record.name,
        "createdate": iso(record.created_at),
        "hs_analytics_source": record.origin,
        "hs_lead_status": state,
        "hs_lifecyclestage_opportunity_date": iso(converted_at),
        "hs_lifecyclestage_salesqualifiedlead_date": iso(qualified_at),
        "hubspot_owner_id": owner_id(record.owner),
        "lastmodifieddate": iso(record.changed_at(now)),
        "lifecyclestage": stage,
    }


def lead(record: LeadHistory, now: int) -> Properties:
    """Properties of the same lead as an object of type lead."""
    stage = record.stage(now)
    return {
        "hs_createdate": iso(record.created_at),
        "hs_lastmodifieddate": iso(record.changed_at(now)),
        "hs_lead_associated_deals_count": "1" if stage == "converted" else "0",
        "hs_lead_is_disqualified": _flag(stage == "lost"),
        "hs_lead_is_new": _flag(stage == "new"),
        "hs_lead_is_qualified": _flag(stage in ("qualified", "converted")),
        "hs_lead_name": record.name,
        "hs_lead_source": record.origin,
        "hs_pipeline": "lead-pipeline-id",
        "hs_pipeline_stage": _LEAD_STAGES[stage],
        "hs_v2_date_entered_qualified-stage-id": iso(record.entered("qualified", now)),
        "hubspot_owner_id": owner_id(record.owner),
    }


def ticket(record: TicketHistory, now: int) -> Properties:
    """Properties of a ticket, which belongs to a queue until the first reply."""
    pipeline, _, stages = _TICKET_STAGES[record.care]
    stage, replied = record.stage(now), record.replied_at <= now
    closed_at = record.entered("closed", now) if stage == "closed" else None
    rated = record.rated_at is not None and record.rated_at <= now
    return {
        "closed_date": iso(closed_at),
        "createdate": iso(record.created_at),
        "first_agent_reply_date": iso(record.replied_at) if replied else None,
        "hs_last_csat_rating": str(record.rating) if rated else None,
        "hs_lastmodifieddate": iso(record.changed_at(now)),
        "hs_pipeline": pipeline,
        "hs_pipeline_stage": stages[stage],
        "hs_ticket_priority": record.priority,
        "hubspot_owner_id": owner_id(record.agent) if replied else str(QUEUE_OWNER),
        "source_type": record.channel,
        "subject": record.subject,
        "time_to_close": str((closed_at - record.created_at) * 1000) if closed_at else None,
        "time_to_first_agent_reply": str((record.replied_at - record.created_at) * 1000) if replied else None,
    }


def call(record: PhoneCall, now: int) -> Properties:
    """Properties of a logged call; durations are in milliseconds."""
    answered = record.answered_at
    return {
        "hs_call_direction": "INBOUND" if record.inbound else "OUTBOUND",
        "hs_call_disposition": _CONNECTED if answered else _NO_ANSWER,
        "hs_call_duration": str((record.ended_at - answered) * 1000 if answered else 0),
        "hs_call_status": "COMPLETED" if answered else "NO_ANSWER",
        "hs_createdate": iso(record.ended_at),
        "hs_lastmodifieddate": iso(record.changed_at(now)),
        "hs_timestamp": iso(record.started_at),
        "hubspot_owner_id": None if record.agent is None else owner_id(record.agent),
    }


def owner(member: Employee, archived: bool) -> dict[str, Any]:
    """An employee as owner; a former employee has no user and no teams."""
    first, last = member.name.split(" ", 1)
    user = USER_BASE + member.key
    team = [name for name, _, _ in TEAMS].index(member.team)
    return {
        **_owner(owner_id(member.key), "PERSON", first, last),
        "email": member.email,
        "userId": None if archived else user,
        "userIdIncludingInactive": user,
        "teams": [] if archived else [{"id": str(TEAM_BASE + team), "name": member.team, "primary": True}],
        "archived": archived,
    }


def queue() -> dict[str, Any]:
    """The owner of tickets before the first reply."""
    return _owner(str(QUEUE_OWNER), "QUEUE", "Unassigned", "tickets")


def _owner(key: str, kind: str, first: str, last: str) -> dict[str, Any]:
    times = {"createdAt": "2023-01-09T08:00:00.000Z", "updatedAt": "2024-02-01T08:00:00.000Z"}
    no_user = {"email": "", "userId": None, "userIdIncludingInactive": None, "archived": False}
    return {"id": key, "type": kind, "firstName": first, "lastName": last, **no_user, **times}


def pipelines(kind: str) -> list[dict[str, Any]] | None:
    """The pipelines of deals, tickets or leads with their stages; None for other types."""
    if kind in ("deals", "tickets"):
        table, metadata = (_DEAL_STAGES, _deal_metadata) if kind == "deals" else (_TICKET_STAGES, _ticket_metadata)
        return [
            _pipeline(pipeline, label, {key: (_label(stage), metadata(stage)) for stage, key in stages.items()})
            for pipeline, label, stages in table.values()
        ]
    if kind == "leads":
        return [_pipeline("lead-pipeline-id", "Lead pipeline", {k: (v, {}) for k, v in _LEAD_LABELS.items()})]
    return None


def _pipeline(key: str, label: str, stages: Mapping[str, tuple[str, dict[str, str]]]) -> dict[str, Any]:
    return {
        "id": key,
        "label": label,
        "displayOrder": 0,
        "archived": False,
        "createdAt": "1970-01-01T00:00:00Z",
        "stages": [
            {"id": stage, "label": name, "displayOrder": order, "metadata": metadata, "archived": False}
            for order, (stage, (name, metadata)) in enumerate(stages.items())
        ],
    }


def _deal_metadata(stage: str) -> dict[str, str]:
    return {"isClosed": _flag(stage in ("won", "lost")), "probability": _PROBABILITY[stage]}


def _ticket_metadata(stage: str) -> dict[str, str]:
    return {"ticketState": "CLOSED" if stage == "closed" else "OPEN", "isClosed": _flag(stage == "closed")}


def _label(stage: str) -> str:
    return stage.replace("_", " ").capitalize()


def _flag(value: bool) -> str:
    return "true" if value else "false"
