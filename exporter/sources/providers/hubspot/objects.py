"""The kinds of CRM objects that entities are read from: their names, properties, scopes and readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from exporter.records import ENTITIES, Record
from exporter.sources.providers.hubspot import calls, deals, payloads, tickets
from exporter.sources.providers.hubspot.pipelines import Meaning, Stages, deal_status, no_status, ticket_status
from exporter.sources.providers.hubspot.shape import Shape


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """One kind of object. `modified` is the property that moves with every change (contacts have another)."""

    name: str
    entity: str
    scope: str
    properties: Callable[[Stages], tuple[str, ...]]
    record: Callable[[Mapping[str, Any], Shape], Record]
    meaning: Meaning | None = None
    """What a stage's metadata means; None where the object has no pipelines."""
    modified: str = "hs_lastmodifieddate"

    @property
    def record_class(self) -> type[Record]:
        """The class of its records."""
        return ENTITIES[self.entity]


def _always(*properties: str) -> Callable[[Stages], tuple[str, ...]]:
    return lambda _: properties


CONTACTS = ObjectKind(
    "contacts", "leads", "crm.objects.contacts.read", _always(*payloads.CONTACT_PROPERTIES), payloads.contact,
    modified="lastmodifieddate",
)  # fmt: skip
LEADS = ObjectKind("leads", "leads", "crm.objects.leads.read", payloads.lead_properties, payloads.lead, no_status)

BY_ENTITY: Mapping[str, ObjectKind] = MappingProxyType(
    {
        "deals": ObjectKind(
            "deals", "deals", "crm.objects.deals.read", _always(*deals.PROPERTIES), deals.deal, deal_status
        ),
        "leads": CONTACTS,
        "tickets": ObjectKind(
            "tickets", "tickets", "tickets", _always(*tickets.PROPERTIES), tickets.ticket, ticket_status
        ),
        "calls": ObjectKind("calls", "calls", "crm.objects.contacts.read", _always(*calls.PROPERTIES), calls.call),
    }
)

OWNERS_SCOPE = "crm.objects.owners.read"
