"""Checks the simulated company's APIs against the specifications of the vendors that they imitate."""

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
from tests.sources.source_context import NOW, FakeClock
from tests.specs.exchanges import ApiDocuments, Exchange, assert_only, record_exchanges
from tests.specs.specification import OFFICIAL_FILES
from tests.specs.stripe import object_differences
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
            (f"response to GET /{path}: additional_data.next_cursor: null is not allowed"
             for path in ("deals", "deals/archived", "stages", "pipelines")),
            "its own description says null on the last page",
        ),
        **dict.fromkeys(
            (f"response to GET /deals: data.*.{field}: null is not allowed"
             for field in ("won_time", "lost_time", "org_id", "person_id")),
            "a deal without one",
        ),
        "response to GET /legacyTeams: data.*.description: null is not allowed": "a team without one",
        **dict.fromkeys(
            (f"response to GET /{path}: data.*.{key}: unknown field"
             for path, key in (("leads", _FIELDS[0]), *(("leads/archived", key) for key in _FIELDS))),
            "leads have the custom fields of deals, by their keys",
        ),
    },
    "stripe": {
        f"response to GET /v1/{path}{field}: unknown field": "added in a later version, as the fixtures show"
        for path, fields in _LATER.items() for field in fields
    },
    "twilio": {},
}  # fmt: skip
"""Where the fake APIs differ from the official files, and why."""


@pytest.fixture(scope="module", params=OFFICIAL_FILES)
def vendor_exchanges(request: pytest.FixtureRequest) -> tuple[str, list[Exchange]]:
    """A vendor's name, and the exchanges with the simulated company under the vendor's own addresses."""
    name, clock = request.param, FakeClock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(company, "WARM_UP", timedelta(days=10))
        patch.setattr(RequestLimit, "take", lambda *_: True)  # rate limits are measured in real time
        simulated = DemoCompany(7, first_day(NOW, 0))
        simulated.advance(int(NOW.timestamp()))
        vendor = httpx.ASGITransport(Starlette(routes=VENDORS[name].routes(simulated, clock)))
        settings = source_entry(name)
        return name, [
            each
            for entity in settings["entities"]
            for each in record_exchanges(
                vendor, {"TOKEN": TOKEN}, clock=clock, resumed=False, **{**settings, "entities": [entity]}
            )
        ]


def sampled(documents: ApiDocuments, exchanges: list[Exchange]) -> list[Exchange]:
    """A few successful exchanges of each operation; the others have the same structure."""
    by_operation: dict[str, list[Exchange]] = {}
    for each in exchanges:
        if each.response.is_success:
            by_operation.setdefault(documents.specification_of(each.request).operation(each.request), []).append(each)
    return [each for responses in by_operation.values() for each in [*responses[:3], *responses[-2:]]]


def source_entry(name: str) -> dict[str, Any]:
    """The vendor's entry under `sources:` without the options that point it at the simulated API."""
    (configured,) = yaml.safe_load((ENTRIES / f"{name}.yaml").read_text(encoding="utf-8"))
    settings = {
        key: value for key, value in configured.items() if key not in ("base_url", "taskrouter_url", "max_per_second")
    }
    secrets = {key: {"env": "TOKEN"} for key in ("token", "secret", "key") if key in settings}
    return {**settings, **secrets} | ({"history": "5d"} if "history" in settings else {})


def test_the_fake_apis_conform_to_the_published_specifications(
    vendor_exchanges: tuple[str, list[Exchange]], origin: str, objects: Mapping[str, Any]
) -> None:
    """Stripe's responses must also match the current objects, because its official file describes an older version."""
    name, exchanges = vendor_exchanges
    documents = ApiDocuments.from_origin(name, origin)
    samples = sampled(documents, exchanges)
    assert_only(documents.mismatches(samples), KNOWN[name] if documents.official else {})
    if name == "stripe":
        assert_only({text for each in samples for text in object_differences(each.response.json(), objects)}, {})
