"""How people are read from HubSpot's owners."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.records import Person
from exporter.sources.providers.hubspot.payloads import owner


def test_an_owner_is_a_person_in_the_main_team() -> None:
    teams = [{"id": "1", "name": "Everybody", "primary": False}, {"id": "2", "name": "North", "primary": True}]
    person = owner(
        {"id": "5", "type": "PERSON", "email": "a@b.example", "firstName": "Anna", "lastName": "Keller", "teams": teams}
    )
    assert person == Person(id="5", name="Anna Keller", email="a@b.example", team="North", active=True)


@pytest.mark.parametrize("teams", [None, []])
def test_an_owner_may_have_no_team(teams: list[Any] | None) -> None:
    assert owner({"id": "5", "firstName": "Anna", "teams": teams}).team is None


def test_without_a_main_team_the_first_one_is_used() -> None:
    assert owner({"id": "5", "teams": [{"name": "South"}, {"name": "North"}]}).team == "South"


def test_without_a_name_the_email_address_is_used() -> None:
    assert owner({"id": "5", "email": "a@b.example", "firstName": "", "lastName": None}).name == "a@b.example"


def test_an_archived_owner_is_inactive_and_not_deleted() -> None:
    person = owner({"id": "5", "firstName": "Anna", "archived": True, "updatedAt": "2026-03-01T00:00:00Z"})
    assert (person.active, person.deleted, person.updated_at) == (False, False, None)


def test_a_queue_is_marked_as_one() -> None:
    assert owner({"id": "9", "type": "QUEUE", "firstName": "Tier 2"}).attributes == {"type": "QUEUE"}
