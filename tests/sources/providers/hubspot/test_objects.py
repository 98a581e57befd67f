"""The kinds of objects, and the properties that all of them have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.config.sources.hubspot import HubspotOptions
from exporter.demo.hubspot.api import SCOPES
from exporter.records import Deal
from exporter.sources.providers.hubspot.payloads import BY_ENTITY, CONTACTS, LEADS, OWNERS_SCOPE
from exporter.sources.providers.hubspot.pipelines import Stages
from tests.sources.providers.hubspot.rows import reader, row


def test_every_entity_that_the_config_offers_can_be_read() -> None:
    offered = HubspotOptions.model_json_schema()["properties"]["entities"]["items"]["enum"]
    assert {*BY_ENTITY, "people"} == set(offered)


def test_every_kind_requests_its_change_time() -> None:
    for kind in (*BY_ENTITY.values(), LEADS):
        assert kind.modified in kind.properties(Stages()), kind.name
    assert {kind.modified for kind in BY_ENTITY.values() if kind is not CONTACTS} == {"hs_lastmodifieddate"}
    assert CONTACTS.modified == "lastmodifieddate"


def test_the_scopes_are_those_that_hubspot_requires() -> None:
    assert {kind.scope for kind in (*BY_ENTITY.values(), LEADS)} | {OWNERS_SCOPE} == SCOPES


def test_without_the_property_the_rows_change_time_is_used() -> None:
    bare = row()
    bare["properties"] = {}
    assert reader().common(bare)["updated_at"] == datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("properties", [None, {}])
def test_a_tombstone_needs_only_an_id(properties: dict[str, Any] | None) -> None:
    tombstone = reader().tombstone({"id": "9", "properties": properties, "archived": True}, Deal)
    assert tombstone == Deal(id="9", deleted=True)
