"""The vendors behind whose APIs the company can be served, and which of its records each of them carries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from types import MappingProxyType

from starlette.routing import BaseRoute

from exporter.clock import Clock
from exporter.demo.aircall_api import AircallShape
from exporter.demo.company import Company
from exporter.demo.hubspot_access import HubspotAccess
from exporter.demo.hubspot_api import SCOPES, HubspotShape
from exporter.demo.pipedrive_access import PipedriveAccess
from exporter.demo.pipedrive_api import PipedriveShape
from exporter.demo.zendesk_access import ZendeskAccess
from exporter.demo.zendesk_api import ZendeskShape

TOKEN = "demo"  # noqa: S105 - opens nothing but this simulation
API_ID = CLIENT_ID = "demo"

ENTRIES = Path(__file__).with_name("entries")
"""NAME.yaml is the entry of a vendor under `sources:`, where config/kpis.yaml itself has none for it."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """One choice of `--vendors`. Its people are matched with those of all others, so `entities` leaves them out."""

    name: str
    mount: str
    """Where its API begins on the demo's address; empty where the vendor's addresses know no path before the API's.

    Vendors of one account share it."""
    entities: tuple[str, ...]
    """What its entry under `sources:` reads, besides people."""
    routes: Callable[[Company, Clock], Sequence[BaseRoute]]
    """Paths of the API below the mount."""

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.entities)})"


def _hubspot(company: Company, clock: Clock) -> Sequence[BaseRoute]:
    return HubspotShape(company, clock, HubspotAccess(clock, TOKEN, SCOPES)).routes()


def _aircall(company: Company, clock: Clock) -> Sequence[BaseRoute]:
    return AircallShape(company, clock, API_ID, TOKEN).routes()


def _pipedrive(company: Company, clock: Clock) -> Sequence[BaseRoute]:
    return PipedriveShape(company, clock, PipedriveAccess(clock, TOKEN)).routes()


def _zendesk(company: Company, clock: Clock) -> Sequence[BaseRoute]:
    return ZendeskShape(company, clock, ZendeskAccess(clock, CLIENT_ID, TOKEN)).routes()


VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        vendor.name: vendor
        for vendor in (
            Vendor("hubspot", "/hubspot", ("deals", "leads", "tickets"), _hubspot),
            Vendor("aircall", "/aircall/v1", ("calls",), _aircall),
            Vendor("pipedrive", "/pipedrive", ("deals", "leads"), _pipedrive),
            Vendor("zendesk", "", ("tickets",), _zendesk),
            Vendor("zendesk-talk", "", ("calls",), _zendesk),
        )
    }
)


def choose(names: str, needed: Collection[str]) -> tuple[Vendor, ...]:
    """The vendors of a list with commas; raises ValueError unless they carry each needed entity, and none twice."""
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",")))
    unknown = [name for name in wanted if name not in VENDORS]
    if unknown:
        raise ValueError(f"there is no {unknown[0] or 'vendor without a name'}: {_possible()}")
    chosen = tuple(VENDORS[name] for name in wanted)
    for one, other in combinations(chosen, 2):
        if both := sorted({*one.entities} & {*other.entities}):
            raise ValueError(f"{one.name} and {other.name} both carry {both[0]}: keep one of them")
    carried = {entity for vendor in chosen for entity in vendor.entities}
    if missing := sorted({*needed} - carried):
        able = [vendor for vendor in VENDORS.values() if missing[0] in vendor.entities]
        raise ValueError(f"none of them carries {missing[0]}, which the config measures: add {_either(able)}")
    return chosen


def _possible() -> str:
    return "choose from " + ", ".join(map(str, VENDORS.values()))


def _either(vendors: Sequence[Vendor]) -> str:
    return " or ".join(vendor.name for vendor in vendors) or "a vendor that does; there is none yet"
