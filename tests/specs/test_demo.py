"""The demo's APIs against the official files of the vendors whose shapes they have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
import yaml
from starlette.applications import Starlette

from exporter.demo.company import company
from exporter.demo.company.company import DemoCompany, first_day
from exporter.demo.responses import RequestLimit
from exporter.demo.server import TOKEN
from tests.sources.source_context import NOW, Clock
from tests.specs.recorded import Exchange, Vendor, converse, only
from tests.specs.specification import OFFICIAL_FILES
from tests.specs.stripe import unlike
from tests.vendors.roster import ENTRIES, VENDORS

_FIELDS = ("9f1c6a52d04be1d9a53e0c7719f0b8a4c2d6e358", "4b7e02c8a1f95d36e8b04ac1d2739f5560ed1f7b")
_ITEM = ("price.recurring.meter", "current_period_start", "current_period_end")
_LATER = {
    "subscriptions": (": data.*.currency", ": data.*.discounts", *(f": data.*.items.data.*.{key}" for key in _ITEM)),
    "subscription_items": tuple(f": data.*.{key}" for key in _ITEM),
    "invoices": (": data.*.parent", "/{invoice}: parent"),
    "charges": (": data.*.amount_captured",),
}

KNOWN: Mapping[str, Mapping[str, str]] = {
    "pipedrive": {
        **dict.fromkeys(
            (f"answer to GET /{path}: additional_data.next_cursor: null is not allowed"
             for path in ("deals", "deals/archived", "stages", "pipelines")),
            "its own description says null at the end",
        ),
        **dict.fromkeys(
            (f"answer to GET /deals: data.*.{field}: null is not allowed"
             for field in ("won_time", "lost_time", "org_id", "person_id")),
            "what a deal does not have",
        ),
        "answer to GET /legacyTeams: data.*.description: null is not allowed": "what a team does not have",
        **dict.fromkeys(
            (f"answer to GET /{path}: data.*.{key}: unknown field"
             for path, key in (("leads", _FIELDS[0]), *(("leads/archived", key) for key in _FIELDS))),
            "leads have the custom fields of deals, by their keys",
        ),
    },
    "stripe": {
        f"answer to GET /v1/{path}{field}: unknown field": "of a later version, as the fixtures show"
        for path, fields in _LATER.items() for field in fields
    },
    "twilio": {},
}  # fmt: skip
"""Where the demo answers otherwise, and why."""


@pytest.fixture(scope="module", params=OFFICIAL_FILES)
def said(request: pytest.FixtureRequest) -> tuple[str, list[Exchange]]:
    """A vendor, and what is said with the company of the quarter's first weeks, by the vendor's own addresses."""
    name, clock = request.param, Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(company, "WARM_UP", timedelta(days=10))
        patch.setattr(RequestLimit, "take", lambda *_: True)  # rates are counted in real time
        simulated = DemoCompany(7, first_day(NOW, 0))
        simulated.advance(int(NOW.timestamp()))
        vendor = httpx.ASGITransport(Starlette(routes=VENDORS[name].routes(simulated, clock)))
        plain = entry(name)
        return name, [
            each
            for entity in plain["entities"]
            for each in converse(
                vendor, {"TOKEN": TOKEN}, clock=clock, resumed=False, **{**plain, "entities": [entity]}
            )
        ]


def sampled(documents: Vendor, exchanges: list[Exchange]) -> list[Exchange]:
    """A few good answers of each operation: they are made alike."""
    found: dict[str, list[Exchange]] = {}
    for each in exchanges:
        if each.answer.is_success:
            found.setdefault(documents.of(each.request).operation(each.request), []).append(each)
    return [each for several in found.values() for each in [*several[:3], *several[-2:]]]


def entry(name: str) -> dict[str, Any]:
    """The vendor's entry, without what says that the API is a simulation's."""
    (found,) = yaml.safe_load((ENTRIES / f"{name}.yaml").read_text(encoding="utf-8"))
    kept = {key: value for key, value in found.items() if key not in ("base_url", "taskrouter_url", "max_per_second")}
    secrets = {key: {"env": "TOKEN"} for key in ("token", "secret", "key") if key in kept}
    return {**kept, **secrets} | ({"history": "5d"} if "history" in kept else {})


def test_the_fake_apis_conform_to_the_published_specifications(
    said: tuple[str, list[Exchange]], origin: str, objects: Mapping[str, Any]
) -> None:
    """Stripe's answers also match today's objects, because its official file is of an older version."""
    name, exchanges = said
    documents = Vendor.of_origin(name, origin)
    some = sampled(documents, exchanges)
    only(documents.lies(some), KNOWN[name] if documents.official else {})
    if name == "stripe":
        only({text for each in some for text in unlike(each.answer.json(), objects)}, {})
