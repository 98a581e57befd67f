"""Owners, members and their teams over time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from exporter.metrics.identity import Listed
from exporter.metrics.instants import FIRST, LAST
from exporter.metrics.people import MOST_STRANGERS, Directory, TeamSpan
from exporter.naming import OTHER
from tests.metrics.asking import metric
from tests.metrics.company import at, config_of, store_of

ANN = Listed("crm", "1", "Ann", "ann@x.io", "north")


def directory(*listed: Listed, teams: list[dict[str, Any]] | None = None) -> Directory:
    return Directory(listed, config_of(metric(count="rows"), teams=teams or []))


def spans(found: Directory, owner: str) -> list[tuple[str | None, str]]:
    """(team, first day) of an owner's spans."""
    person = found.owner("crm", owner)
    assert person is not None
    theirs = found.spans(person)
    assert theirs[0].since == FIRST
    assert theirs[-1].until == LAST
    assert all(earlier.until == later.since for earlier, later in pairwise(theirs))
    hour = timedelta(hours=3)
    return [(span.team, "" if span.since == FIRST else f"{span.since + hour:%m-%d}") for span in theirs]


def team(name: str, *members: str | dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "members": list(members)}


def test_a_source_names_the_team_where_the_config_does_not() -> None:
    assert spans(directory(ANN), "1") == [("north", "")]
    assert spans(directory(ANN, teams=[team("North")]), "1") == [("North", "")]  # as the config writes it
    assert spans(directory(ANN, teams=[team("East", "Ann")]), "1") == [("East", "")]


def test_a_stay_lasts_from_its_first_to_its_last_day() -> None:
    since = {"person": "ann@x.io", "since": "2024-03-11"}
    assert spans(directory(ANN, teams=[team("East", since)]), "1") == [("north", ""), ("East", "03-11")]
    until = {"person": "Ann", "until": "2024-03-10"}
    assert spans(directory(ANN, teams=[team("East", until)]), "1") == [("East", ""), ("north", "03-11")]
    both = [team("East", {**since, "until": "2024-03-15"}), team("West", {**since, "since": "2024-03-16"})]
    assert spans(directory(ANN, teams=both), "1") == [("north", ""), ("East", "03-11"), ("West", "03-16")]


def test_of_stays_that_overlap_the_earlier_goes_first() -> None:
    stays = [
        team("East", {"person": "Ann", "until": "2024-03-15"}),
        team("West", {"person": "Ann", "since": "2024-03-11", "until": "2024-03-20"}),
        team("South", {"person": "Ann", "since": "2024-03-12", "until": "2024-03-13"}),
    ]
    assert spans(directory(ANN, teams=stays), "1") == [("East", ""), ("West", "03-16"), ("north", "03-21")]


def test_a_stay_begins_and_ends_at_local_midnight() -> None:
    """Zurich is two hours ahead of UTC from 31 March 2024 on, one before."""
    found = directory(ANN, teams=[team("East", {"person": "Ann", "since": "2024-03-31", "until": "2024-03-31"})])
    assert found.spans(0)[1] == TeamSpan(at("2024-03-30T23:00"), at("2024-03-31T22:00"), "East")
    assert found.team(0, at("2024-03-30T22:59:59")) == "north"
    assert found.team(0, at("2024-03-30T23:00")) == "East"
    assert found.team(0, LAST) == "north"


def test_eras_change_whenever_somebody_changes_team() -> None:
    found = directory(ANN, teams=[team("East", {"person": "Ann", "since": "2024-03-11"})])
    eras = [found.era(at(instant)) for instant in ("2024-01-01", "2024-03-10T22:59", "2024-03-10T23:00", "2030-01-01")]
    assert eras == [1, 1, 2, 2]


def test_members_whom_nobody_lists_are_persons_all_the_same() -> None:
    found = directory(teams=[team("East", "Zed", "eve@x.io")])
    assert spans(found, "zed") == [("East", "")]
    assert spans(found, "EVE@x.io") == [("East", "")]
    assert found.label(found.owner("crm", "zed") or 0) == "Zed"


def test_strangers_are_one_person_whatever_the_case_and_the_source() -> None:
    found = directory(ANN)
    assert found.owner("crm", "Zed") == found.owner("phones", " zed ") != found.owner("crm", "Zoe")
    assert found.owner("crm", " ") is None
    assert spans(found, "Zed") == [(None, "")]


def test_no_two_persons_are_called_the_same() -> None:
    twins = (Listed("crm", "1", "Ann", "a@x"), Listed("crm", "2", "Ann", "b@x"), Listed("crm", "3", "Ann"))
    found = directory(*twins, teams=[team("East", "Ann")])
    owners = [found.owner("crm", owner) for owner in ("1", "2", "3", "ANN", "Ann (a@x)")]
    labels = [found.label(person) for person in owners if person is not None]
    assert labels == ["Ann (a@x)", "Ann (b@x)", "Ann", "Ann (unmatched)", "Ann (a@x) (unmatched)"]


def test_beyond_a_limit_strangers_share_one_series() -> None:
    found = directory(ANN)
    persons = {found.owner("crm", f"stranger {number}") for number in range(MOST_STRANGERS + 50)}
    assert len(persons) == MOST_STRANGERS + 1
    assert found.label(max(person or 0 for person in persons)) == OTHER
    assert found.owner("crm", "stranger 0") == found.owner("phones", "Stranger 0") != found.owner("crm", "one more")
    assert found.owner("crm", "Ann") == 0


@pytest.mark.parametrize("gone", [{"deleted": True}, {"active": False}])
def test_who_left_still_owns_what_they_did_but_stands_back(gone: dict[str, Any]) -> None:
    people = [
        {"source": "phones", "id": "1", "name": "Old Ann", "email": "ann@x.io", "team": "North", **gone},
        {"source": "phones", "id": "2", "name": "Bob", **gone},
        {"source": "phones", "id": "3", "name": "New Ann", "email": "ANN@x.io", "team": " ", "active": True},
        {"source": "crm", "id": "4", "name": "  ", "email": " ann@x.io ", "active": None},
    ]
    found = Directory.load(store_of(people=people), config_of(metric(count="rows")))
    assert found.label(found.owner("crm", "1") or 0) == "New Ann"
    assert spans(found, "ann@x.io") == [("North", "")]
    assert found.label(found.owner("crm", "bob") or 0) == "Bob"
