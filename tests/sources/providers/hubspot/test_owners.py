"""Owners as people."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.records import Person
from exporter.sources.providers.hubspot.payloads import owner


def test_an_owner_is_a_person_in_the_main_team() -> None:
    teams = [{"id": "1", "name": "Everybody", "primary": False}, {"id": "2", "name": "North", "primary": True}]
    found = owner(
        {"id": "5", "type": "PERSON", "email": "a@b.example", "firstName": "Anna", "lastName": "Keller", "teams": teams}
    )
    assert found == Person(id="5", name="Anna Keller", email="a@b.example", team="North", active=True)


@pytest.mark.parametrize("teams", [None, []])
def test_an_owner_may_have_no_team(teams: list[Any] | None) -> None:
    assert owner({"id": "5", "firstName": "Anna", "teams": teams}).team is None


def test_without_a_main_team_the_first_one_counts() -> None:
    assert owner({"id": "5", "teams": [{"name": "South"}, {"name": "North"}]}).team == "South"


def test_without_a_name_the_address_stands_for_it() -> None:
    assert owner({"id": "5", "email": "a@b.example", "firstName": "", "lastName": None}).name == "a@b.example"


def test_an_archived_owner_is_inactive_and_not_deleted() -> None:
    found = owner({"id": "5", "firstName": "Anna", "archived": True, "updatedAt": "2026-03-01T00:00:00Z"})
    assert (found.active, found.deleted, found.updated_at) == (False, False, None)


def test_a_queue_says_that_it_is_none_of_us() -> None:
    assert owner({"id": "9", "type": "QUEUE", "firstName": "Tier 2"}).attributes == {"type": "QUEUE"}
