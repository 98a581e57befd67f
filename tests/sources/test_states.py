"""Every state of every vendor, against the golden table of what each is to us."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from exporter.config.sources.pipedrive import LeadFields
from exporter.sources.providers.aircall.payloads import call as aircall_call
from exporter.sources.providers.asterisk import calls as asterisk
from exporter.sources.providers.hubspot import payloads as hubspot
from exporter.sources.providers.hubspot.pipelines import deal_status, ticket_status
from exporter.sources.providers.pipedrive import payloads as pipedrive
from exporter.sources.providers.salesforce import payloads as salesforce
from exporter.sources.providers.stripe import payloads as stripe
from exporter.sources.providers.twilio import legs as twilio
from exporter.sources.providers.zendesk import payloads as zendesk
from tests.specs.specification import ORIGINS, specifications

GOLDEN: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "golden" / "sources" / "states.yaml").read_text(encoding="utf-8")
)
TABLES: dict[str, Mapping[str, Any]] = {
    "pipedrive activities.kind": pipedrive.KINDS,
    "pipedrive calls.outcome": pipedrive.OUTCOMES,
    "pipedrive deals.status": {**pipedrive.DEAL_STATES, "deleted": "tombstone"},
    "salesforce leads.status": salesforce.LEAD_STATES,
    "salesforce activities.kind": salesforce.ACTIVITY_KINDS,
    "salesforce tickets.status": salesforce.CASE_STATES,
    "zendesk tickets.status": {**zendesk.TICKET_STATES, "deleted": "tombstone"},
    "zendesk surveys.score": zendesk.RATINGS,
    "zendesk calls.status": zendesk.CALL_STATES,
    "twilio calls.status": {theirs: ours or None for theirs, ours in twilio.STATES.items()},
    "twilio calls.direction": twilio.DIRECTIONS,
    "asterisk calls.event": asterisk.OUTCOMES,
    "stripe invoices.status": {**stripe.INVOICE_STATES, "deleted": "tombstone"},
    "stripe payments.status": stripe.CHARGE_STATES,
    "stripe subscriptions.status": stripe.SUBSCRIPTION_STATES,
}
"""Providers' own tables."""

STAGES: dict[str, dict[str, Any]] = {
    "closed with certainty": {"isClosed": "true", "probability": "1.0"},
    "closed without hope": {"isClosed": "true", "probability": "0.0"},
    "closed in between": {"isClosed": "true", "probability": "0.5"},
    "not closed": {"isClosed": "false", "probability": "0.9"},
    "says nothing": {},
}
LEADS: dict[str, dict[str, Any]] = {
    "seen": {"was_seen": True, "is_archived": False},
    "not seen": {"was_seen": False, "is_archived": False},
    "archived": {"was_seen": True, "is_archived": True},
    "noted as qualified": {"was_seen": True, "is_archived": False, "q": "2026-01-02"},
    "noted as qualified, archived": {"was_seen": True, "is_archived": True, "q": "2026-01-02"},
    "noted as converted, archived": {"was_seen": True, "is_archived": True, "q": "2026-01-02", "c": "2026-01-03"},
}


def _missed(reason: str) -> str | None:
    times = {"started_at": 1760000000, "answered_at": None, "ended_at": 1760000030}
    row = {"id": 1, "direction": "inbound", "status": "done", "missed_call_reason": reason, **times}
    return aircall_call(row).status


def _lead(state: str) -> str | None:
    times = {"add_time": "2026-01-01T00:00:00Z", "update_time": None}
    noted = LeadFields.model_construct(qualified_at="q", converted_at="c")
    return pipedrive.lead({"id": "a", "owner_id": 7, **times, **LEADS[state]}, noted, ZoneInfo("UTC")).status


READERS: dict[str, Callable[[str], Any]] = {
    "hubspot calls.status": lambda state: hubspot.call_status(state, None),
    "hubspot leads.lifecycle": lambda stage: hubspot.contact_status(stage, ""),
    "hubspot leads.lead_status": lambda state: hubspot.contact_status("", state),
    "hubspot leads.stage": lambda stage: hubspot.lead_status({}, stage),
    "hubspot deals.stage": lambda stage: deal_status(STAGES[stage]),
    "hubspot tickets.stage": lambda state: ticket_status({"ticketState": state}),
    "aircall calls.missed_call_reason": _missed,
    "pipedrive leads.status": _lead,
}
"""Where a state is told by more than one field, or by no table of its own."""

SPECIFIED: dict[str, tuple[str, ...]] = {
    "pipedrive deals.status": ("paths", "/deals", "get", "parameters", "status"),
    "pipedrive calls.outcome": ("paths", "/callLogs", "get", "responses", "outcome"),
    "twilio calls.status": ("components", "schemas", "call_enum_status"),
    "stripe invoices.status": ("components", "schemas", "invoice", "properties", "status"),
    "stripe subscriptions.status": ("components", "schemas", "subscription", "properties", "status"),
}
"""Where a vendor's document names the states; the last part is looked for anywhere below the others."""


@pytest.mark.parametrize("table", GOLDEN)
def test_each_vendor_state_maps_as_in_the_golden_table(table: str) -> None:
    golden = GOLDEN[table]
    if table in TABLES:
        assert dict(TABLES[table]) == golden
    else:
        assert {theirs: READERS[table](theirs) for theirs in golden} == golden


def test_every_providers_table_is_covered() -> None:
    assert GOLDEN.keys() == TABLES.keys() | READERS.keys()
    assert len({table.partition(" ")[0] for table in GOLDEN}) == 8


def test_the_vendors_deleted_state_is_a_tombstone() -> None:
    gone = {"id": 1, "status": "deleted", "update_time": "2026-01-01T00:00:00Z", "generated_timestamp": 1760000000}
    assert pipedrive.deal(gone, {}, {}, ()).deleted
    assert zendesk.ticket(gone, {}).deleted


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("table", SPECIFIED)
def test_each_documented_state_is_in_the_table(table: str, origin: str) -> None:
    *path, name = SPECIFIED[table]
    states = set()
    for specification in specifications(table.partition(" ")[0], origin):
        states |= set(_enums(_below(specification.document, path), name, specification.document))
    assert len(states) >= 4
    assert states <= GOLDEN[table].keys()


def _below(node: Any, path: Iterable[str]) -> Any:
    for name in path:
        node = node.get(name, {})
    return node


def _enums(node: Any, name: str, document: Any) -> Iterable[str]:
    """The values of the first enumeration of that name on each branch below a node; references are followed."""
    if isinstance(node, list):
        for part in node:
            yield from _enums(part, name, document)
    elif isinstance(node, dict):
        if "$ref" in node:
            node = _below(document, node["$ref"].removeprefix("#/").split("/"))
        named = node.get(name) if isinstance(node.get(name), dict) else node if node.get("name") == name else None
        if named:
            yield from (named.get("enum") or (named.get("schema") or {}).get("enum") or ())
            return
        for part in node.values():
            yield from _enums(part, name, document)
