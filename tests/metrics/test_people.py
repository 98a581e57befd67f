"""Merging of people, owners of records, and teams over time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from exporter.metrics.people import MAX_UNLISTED, Directory, PersonIndex
from exporter.metrics.person_records import PersonRecord, merge_records
from exporter.metrics.team_spans import TeamSpan
from exporter.metrics.values import FIRST, LAST
from exporter.naming import OTHER
from tests.metrics.queries import metric
from tests.metrics.stores import at, config_of, store_of


def listed(text: str) -> list[PersonRecord]:
    """Records from lines of `source id name <email> team`, underscores for spaces, a dash for nothing."""
    rows = [
        [field.replace("_", " ") if field != "-" else "" for field in line.split()] for line in text.split("\n") if line
    ]
    return [PersonRecord(*row) for row in rows]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", []),
        ("a 1 Ann ann@x -\nb 9 A. ANN@X -", ["Ann"]),  # the same email
        ("a 1 Ann ann@x -\nb 9 ANN - -", ["Ann"]),  # a name that one email goes with
        ("b 9 ANN - -\na 1 Ann ann@x -", ["ANN"]),  # the first record names the person
        ("a 1 Ann - -\nb 9 ann - -", ["Ann"]),  # the same name, and no email at all
        ("a 1 Ann ann@x -\nb 9 Ann ann@y -", ["Ann (ann@x)", "Ann (ann@y)"]),  # emails tell them apart
        ("a 1 Ann ann@x -\nb 9 Ann ann@y -\nc 3 Ann - -", ["Ann (ann@x)", "Ann (ann@y)", "Ann"]),  # whose is the third?
        ("a 1 - ann@x -", ["ann@x"]),
        ("a 17 - - -\nb 17 - - -", ["17", "17 (b 17)"]),  # ids of two sources are two people
        ("a 1 - ann@x -\nb 2 Ann ann@x -", ["Ann"]),
    ],
)
def test_every_human_is_listed_once(text: str, labels: list[str]) -> None:
    assert [human.label for human in merge_records(listed(text))] == labels


def test_the_first_team_in_any_record_counts() -> None:
    (ann,) = merge_records(listed("a 1 Ann ann@x -\nb 2 Ann - North\nc 3 Ann ann@x South"))
    assert ann.team(FIRST) == "North"
    assert merge_records(listed("a 1 Ann ann@x -"))[0].team(FIRST) is None


KNOWN = "a 1 Ann ann@x -\na 2 Bob bob@x -\nb 2 Cleo cleo@x -\nb 7 Ann ann@x -\nb 8 Dan dan@x -\nc 9 Dan dan@y -"


@pytest.mark.parametrize(
    ("source", "text", "label"),
    [
        ("a", "1", "Ann"),
        ("a", "2", "Bob"),  # an id means the person of the same source
        ("b", "2", "Cleo"),
        ("c", "2", None),  # two people have it elsewhere
        ("c", "7", "Ann"),  # one has
        ("c", "ANN@x", "Ann"),
        ("c", "ann", "Ann"),
        ("c", "Dan", None),  # two have the name
        ("c", "dan@y", "Dan (dan@y)"),
        ("c", "Eve", None),
    ],
)
def test_an_owner_is_found_by_id_then_email_then_name(source: str, text: str, label: str | None) -> None:
    humans = merge_records(listed(KNOWN))
    keys = PersonIndex()
    for person, human in enumerate(humans):
        keys.add(person, human)
    result = keys.owner(source, text)
    assert (None if result is None else humans[result].label) == label


ANN = PersonRecord("crm", "1", "Ann", "ann@x.io", "north")


def directory(*listed: PersonRecord, teams: list[dict[str, Any]] | None = None) -> Directory:
    return Directory(listed, config_of(metric(count="rows"), teams=teams or []))


def spans(result: Directory, owner: str) -> list[tuple[str | None, str]]:
    """(team, first day) of an owner's spans."""
    person = result.owner("crm", owner)
    assert person is not None
    spans = result.spans(person)
    assert spans[0].since == FIRST
    assert spans[-1].until == LAST
    assert all(earlier.until == later.since for earlier, later in pairwise(spans))
    hour = timedelta(hours=3)
    return [(span.team, "" if span.since == FIRST else f"{span.since + hour:%m-%d}") for span in spans]


def team(name: str, *members: str | dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "members": list(members)}


def test_the_team_of_the_source_applies_unless_the_config_names_one() -> None:
    assert spans(directory(ANN), "1") == [("north", "")]
    assert spans(directory(ANN, teams=[team("North")]), "1") == [("North", "")]  # as the config writes it
    assert spans(directory(ANN, teams=[team("East", "Ann")]), "1") == [("East", "")]


def test_a_membership_lasts_from_its_first_to_its_last_day() -> None:
    since = {"person": "ann@x.io", "since": "2024-03-11"}
    assert spans(directory(ANN, teams=[team("East", since)]), "1") == [("north", ""), ("East", "03-11")]
    until = {"person": "Ann", "until": "2024-03-10"}
    assert spans(directory(ANN, teams=[team("East", until)]), "1") == [("East", ""), ("north", "03-11")]
    teams = [team("East", {**since, "until": "2024-03-15"}), team("West", {**since, "since": "2024-03-16"})]
    assert spans(directory(ANN, teams=teams), "1") == [("north", ""), ("East", "03-11"), ("West", "03-16")]


def test_of_overlapping_memberships_the_earlier_takes_precedence() -> None:
    memberships = [
        team("East", {"person": "Ann", "until": "2024-03-15"}),
        team("West", {"person": "Ann", "since": "2024-03-11", "until": "2024-03-20"}),
        team("South", {"person": "Ann", "since": "2024-03-12", "until": "2024-03-13"}),
    ]
    assert spans(directory(ANN, teams=memberships), "1") == [("East", ""), ("West", "03-16"), ("north", "03-21")]


def test_a_membership_begins_and_ends_at_local_midnight() -> None:
    """Zurich is two hours ahead of UTC from 31 March 2024 on, one before."""
    result = directory(ANN, teams=[team("East", {"person": "Ann", "since": "2024-03-31", "until": "2024-03-31"})])
    assert result.spans(0)[1] == TeamSpan(at("2024-03-30T23:00"), at("2024-03-31T22:00"), "East")
    assert result.team(0, at("2024-03-30T22:59:59")) == "north"
    assert result.team(0, at("2024-03-30T23:00")) == "East"
    assert result.team(0, LAST) == "north"


def test_eras_change_whenever_somebody_changes_team() -> None:
    result = directory(ANN, teams=[team("East", {"person": "Ann", "since": "2024-03-11"})])
    eras = [result.era(at(instant)) for instant in ("2024-01-01", "2024-03-10T22:59", "2024-03-10T23:00", "2030-01-01")]
    assert eras == [1, 1, 2, 2]


def test_members_whom_no_source_lists_are_persons_too() -> None:
    result = directory(teams=[team("East", "Zed", "eve@x.io")])
    assert spans(result, "zed") == [("East", "")]
    assert spans(result, "EVE@x.io") == [("East", "")]
    assert result.label(result.owner("crm", "zed") or 0) == "Zed"


def test_an_unlisted_owner_is_one_person_in_any_case_and_source() -> None:
    result = directory(ANN)
    assert result.owner("crm", "Zed") == result.owner("phones", " zed ") != result.owner("crm", "Zoe")
    assert result.owner("crm", " ") is None
    assert spans(result, "Zed") == [(None, "")]


def test_labels_of_persons_are_unique() -> None:
    twins = (
        PersonRecord("crm", "1", "Ann", "a@x"),
        PersonRecord("crm", "2", "Ann", "b@x"),
        PersonRecord("crm", "3", "Ann"),
    )
    result = directory(*twins, teams=[team("East", "Ann")])
    owners = [result.owner("crm", owner) for owner in ("1", "2", "3", "ANN", "Ann (a@x)")]
    labels = [result.label(person) for person in owners if person is not None]
    assert labels == ["Ann (a@x)", "Ann (b@x)", "Ann", "Ann (unmatched)", "Ann (a@x) (unmatched)"]


def test_beyond_a_limit_unlisted_owners_share_one_series() -> None:
    result = directory(ANN)
    persons = {result.owner("crm", f"stranger {number}") for number in range(MAX_UNLISTED + 50)}
    assert len(persons) == MAX_UNLISTED + 1
    assert result.label(max(person or 0 for person in persons)) == OTHER
    assert result.owner("crm", "stranger 0") == result.owner("phones", "Stranger 0") != result.owner("crm", "one more")
    assert result.owner("crm", "Ann") == 0


@pytest.mark.parametrize("gone", [{"deleted": True}, {"active": False}])
def test_people_who_left_own_their_records_but_come_last(gone: dict[str, Any]) -> None:
    people = [
        {"source": "phones", "id": "1", "name": "Old Ann", "email": "ann@x.io", "team": "North", **gone},
        {"source": "phones", "id": "2", "name": "Bob", **gone},
        {"source": "phones", "id": "3", "name": "New Ann", "email": "ANN@x.io", "team": " ", "active": True},
        {"source": "crm", "id": "4", "name": "  ", "email": " ann@x.io ", "active": None},
    ]
    result = Directory.load(store_of(people=people), config_of(metric(count="rows")))
    assert result.label(result.owner("crm", "1") or 0) == "New Ann"
    assert spans(result, "ann@x.io") == [("North", "")]
    assert result.label(result.owner("crm", "bob") or 0) == "Bob"


def test_the_email_of_a_person_is_one_address_that_a_label_can_hold() -> None:
    long = "x" * 120 + "@example.com"
    people = f"a 1 Ann ann@x.com -\na 2 Bob bob@x,eve@x -\na 3 Cleo <cleo@x> -\na 4 Dan {long} -\na 5 Eve - -"
    directory = Directory(listed(people), config_of(metric(name="won", entity="deals", at="closed_at", count="rows")))
    everybody = ["Ann", "Bob", "Cleo", "Dan", "Eve", "Nobody"]
    assert directory.emails(everybody, LAST) == {"Ann": "ann@x.com"}


def test_people_who_are_inactive_have_no_email() -> None:
    records = [
        PersonRecord("a", "1", "Ann", "ann@x.com"),
        PersonRecord("a", "2", "Bob", "bob@x.com", active=False),
        PersonRecord("b", "2", "Bob", "other@x.com", active=False),
    ]
    directory = Directory(records, config_of(metric(name="won", entity="deals", at="closed_at", count="rows")))
    assert set(directory.emails(["Ann", "Bob", "Bob (bob@x.com)"], at("2025-11-19"))) == {"Ann"}
