"""Which options change the fingerprint."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporter.config.sources.aircall import AircallOptions
from exporter.config.sources.csv import CsvOptions
from exporter.config.sources.hubspot import HubspotOptions
from exporter.config.sources.rest import RestOptions
from exporter.sync.fingerprint import fingerprint

ZURICH = ZoneInfo("Europe/Zurich")
CSV = {"name": "s", "provider": "csv", "path": "a.csv", "entity": "deals", "columns": {"id": "Id", "name": "Name"}}
REST = {
    "name": "r",
    "provider": "rest",
    "base_url": "https://api.example.com",
    "entities": [
        {"entity": "deals", "path": "/deals", "columns": {"id": "id"}},
        {"entity": "calls", "path": "/calls", "columns": {"id": "id"}},
    ],
}
HUBSPOT = {"name": "h", "provider": "hubspot", "token": {"env": "T"}, "entities": ["deals", "tickets"]}
AIRCALL = {"name": "a", "provider": "aircall", "api_id": "x", "api_token": {"env": "T"}}


def csv(**changes: Any) -> str:
    return fingerprint(CsvOptions.model_validate({**CSV, **changes}), "deals", ZURICH)


def rest(entity: str, **changes: Any) -> str:
    return fingerprint(RestOptions.model_validate({**REST, **changes}), entity, ZURICH)


def hubspot(entity: str, **changes: Any) -> str:
    return fingerprint(HubspotOptions.model_validate({**HUBSPOT, **changes}), entity, ZURICH)


def test_the_same_options_have_the_same_digest() -> None:
    assert csv() == csv()


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "b.csv"},
        {"columns": {"id": "Id", "name": "Title"}},
        {"columns": {"id": "Id", "name": {"from": "Name", "map": {"a": "b"}}}},
        {"delimiter": ";"},
        {"encoding": "cp1252"},
        {"complete_until": "newest"},
    ],
)
def test_options_that_determine_records_change_the_digest(changes: dict[str, Any]) -> None:
    assert csv(**changes) != csv()


@pytest.mark.parametrize(
    "changes", [{"sync_every": "5m"}, {"stale_after": "1h"}, {"lookback": "1h"}, {"reconcile_every": "2h"}]
)
def test_options_that_determine_when_to_read_do_not(changes: dict[str, Any]) -> None:
    assert csv(**changes) == csv()


def test_the_company_s_time_zone_changes_the_digest() -> None:
    options = CsvOptions.model_validate(CSV)
    assert fingerprint(options, "deals", ZURICH) != fingerprint(options, "deals", ZoneInfo("UTC"))


def test_another_entity_s_options_do_not_change_the_digest() -> None:
    deals, calls = REST["entities"]
    changed = {**calls, "path": "/v2/calls"}  # type: ignore[dict-item]
    assert rest("deals", entities=[deals, changed]) == rest("deals", entities=[deals]) == rest("deals")
    assert rest("calls", entities=[deals, changed]) != rest("calls")


def test_another_entity_s_properties_do_not_change_the_digest() -> None:
    more = {"properties": {"tickets": ["x"]}}
    assert hubspot("deals", **more) == hubspot("deals", entities=["deals"]) == hubspot("deals")
    assert hubspot("tickets", **more) != hubspot("tickets")


def test_a_secret_does_not_change_the_digest() -> None:
    assert hubspot("deals", token={"file": "/run/secrets/t"}) == hubspot("deals")


def test_the_length_of_history_changes_the_digest() -> None:
    def digest(**changes: Any) -> str:
        return fingerprint(AircallOptions.model_validate({**AIRCALL, **changes}), "calls", ZURICH)

    assert digest(history="30d") != digest()
    assert digest(timeout="5s", max_per_second=1, allow_private=True) == digest()
