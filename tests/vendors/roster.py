"""The vendors whose APIs the simulated company can be served through, and the entities that each provides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from starlette.routing import BaseRoute

from exporter.clock import Clock
from exporter.demo.aircall.api import FakeAircall
from exporter.demo.company.company import DemoCompany
from exporter.demo.hubspot.access import HubspotAccess
from exporter.demo.hubspot.api import SCOPES, FakeHubspot
from exporter.demo.server import API_ID, TOKEN
from tests.vendors.pipedrive.access import PipedriveAccess
from tests.vendors.pipedrive.api import FakePipedrive
from tests.vendors.stripe.access import StripeAccess
from tests.vendors.stripe.api import RESOURCES, FakeStripe
from tests.vendors.stripe.books import Books
from tests.vendors.twilio.api import KEY, FakeTwilio
from tests.vendors.zendesk.access import ZendeskAccess
from tests.vendors.zendesk.api import FakeZendesk

CLIENT_ID = "demo"

ENTRIES = Path(__file__).with_name("entries")
"""NAME.yaml is a vendor's entry under `sources:`, for vendors without an entry in config/kpis.yaml."""

ADDITIONS = Path(__file__).with_name("additions")
"""NAME.yaml contains metrics, objectives and KPIs for a vendor's entities that config/kpis.yaml does not measure."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor whose API can replace the demo's own APIs.

    `entities` omits people, because the people of all sources are merged.
    """

    name: str
    mount: str
    """The path of its API on the demo's address, or empty if the vendor's addresses have no path before the API's.

    Vendors of the same account share it.
    """
    entities: tuple[str, ...]
    """The entities of its entry under `sources:`, except people."""
    routes: Callable[[DemoCompany, Clock], Sequence[BaseRoute]]
    """Builds the routes of the API below the mount."""

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.entities)})"


def _hubspot(company: DemoCompany, clock: Clock) -> Sequence[BaseRoute]:
    return FakeHubspot(company, clock, HubspotAccess(clock, TOKEN, SCOPES)).routes()


def _aircall(company: DemoCompany, clock: Clock) -> Sequence[BaseRoute]:
    return FakeAircall(company, clock, API_ID, TOKEN).routes()


def _pipedrive(company: DemoCompany, clock: Clock) -> Sequence[BaseRoute]:
    return FakePipedrive(company, clock, PipedriveAccess(clock, TOKEN)).routes()


def _zendesk(company: DemoCompany, clock: Clock) -> Sequence[BaseRoute]:
    return FakeZendesk(company, clock, ZendeskAccess(clock, CLIENT_ID, TOKEN)).routes()


def _twilio(company: DemoCompany, clock: Clock) -> Sequence[BaseRoute]:
    return FakeTwilio(company, clock, KEY, TOKEN).routes()


def _stripe(company: DemoCompany, clock: Clock) -> Sequence[BaseRoute]:
    return FakeStripe(Books(company), clock, StripeAccess(TOKEN, RESOURCES)).routes()


VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        vendor.name: vendor
        for vendor in (
            Vendor("hubspot", "/hubspot", ("deals", "leads", "tickets"), _hubspot),
            Vendor("aircall", "/aircall/v1", ("calls",), _aircall),
            Vendor("pipedrive", "/pipedrive", ("deals", "leads"), _pipedrive),
            Vendor("zendesk", "", ("tickets",), _zendesk),
            Vendor("zendesk-talk", "", ("calls",), _zendesk),
            Vendor("twilio", "/twilio", ("calls",), _twilio),
            Vendor("stripe", "/stripe", ("subscriptions", "invoices", "payments"), _stripe),
        )
    }
)


def vendor_routes(company: DemoCompany, clock: Clock) -> dict[str, Sequence[BaseRoute]]:
    """The routes of every vendor's API, by the path at which they are mounted."""
    builders = {vendor.mount: vendor.routes for vendor in VENDORS.values()}
    return {mount: build_routes(company, clock) for mount, build_routes in builders.items()}


def choose(names: str) -> tuple[Vendor, ...]:
    """The vendors in a comma-separated list of names."""
    return tuple(VENDORS[name] for name in names.split(","))
