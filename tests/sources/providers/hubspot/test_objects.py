"""The table of objects is complete."""

from __future__ import annotations

from exporter.config.sources.hubspot import HubspotOptions
from exporter.demo.hubspot.api import SCOPES
from exporter.sources.providers.hubspot.objects import BY_ENTITY, CONTACTS, LEADS, OWNERS_SCOPE
from exporter.sources.providers.hubspot.pipelines import Stages


def test_every_entity_that_the_config_offers_can_be_read() -> None:
    offered = HubspotOptions.model_json_schema()["properties"]["entities"]["items"]["enum"]
    assert {*BY_ENTITY, "people"} == set(offered)


def test_every_kind_asks_for_the_property_that_moves_its_cursor() -> None:
    for kind in (*BY_ENTITY.values(), LEADS):
        assert kind.modified in kind.properties(Stages()), kind.name
    assert {kind.modified for kind in BY_ENTITY.values() if kind is not CONTACTS} == {"hs_lastmodifieddate"}
    assert CONTACTS.modified == "lastmodifieddate"


def test_the_scopes_are_those_that_the_vendor_asks_for() -> None:
    assert {kind.scope for kind in (*BY_ENTITY.values(), LEADS)} | {OWNERS_SCOPE} == SCOPES
