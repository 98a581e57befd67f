"""Passes over the export of users."""

from __future__ import annotations

from tests.sources.providers.zendesk.passes import later, read
from tests.sources.providers.zendesk.vendor import Zendesk
from tests.sources.source_context import by_id, records_of


def test_all_users_except_customers_are_exported_whatever_the_history() -> None:
    vendor = Zendesk()
    vendor.user(7, updated_at="2015-01-01T00:00:00Z")
    vendor.user(8, role="end-user")
    vendor.user(9, active=False)
    later(vendor)
    pages = read(vendor, "people", history="30d")
    assert {key: (person.team, person.active) for key, person in by_id(pages).items()} == {
        "7": ("Group 1", True), "9": ("Group 1", False),
    }  # fmt: skip
    assert pages[-1].listing is None
    later(vendor)
    vendor.user(7, name="Ada")
    later(vendor)
    assert {person.name for person in records_of(read(vendor, "people", pages[-1].cursor))} == {"Ada"}
