"""Who is named in a target and not found, and targets that do not add up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from exporter.config.root import Config
from exporter.kpi.target_review import parts_of_targets, unmatched
from exporter.metrics.people import Directory
from exporter.metrics.person_records import PersonRecord
from tests.kpi.configs import config_of, kpi

AT = datetime(2021, 2, 14, tzinfo=UTC)
TEAMS = [{"name": "North", "members": ["Ann", "Bob"]}, {"name": "South", "members": ["Cid"]}]


def company(*target: dict[str, Any], **settings: Any) -> Config:
    return config_of(kpi(target=list(target), scopes=["company", "team", "person"], **settings), teams=TEAMS)


def texts(*target: dict[str, Any], **settings: Any) -> list[tuple[str, bool]]:
    config = company(*target, **settings)
    return [(part.text, part.exceeds) for part in parts_of_targets(config, Directory((), config), AT)]


def test_misspelt_persons_and_teams_are_named_with_the_nearest() -> None:
    config = company(
        {"value": 10},
        {"value": 1, "person": "Annn"},
        {"value": 2, "team": "Nort"},
        {"share": {"Suoth": 0.5}},
        {"value": 3, "person": "BOB"},
        {"value": 4, "team": "south"},
    )
    findings = list(unmatched(config, Directory((), config)))
    assert [(finding.path[3:], finding.hint) for finding in findings] == [
        ((1, "person"), "did you mean Ann?"),
        ((2, "team"), "did you mean North?"),
        ((3, "share", "Suoth"), "did you mean South?"),
    ]


def test_a_person_found_twice_is_named_with_both() -> None:
    records = [PersonRecord("crm", "1", "Dan", "dan@x"), PersonRecord("crm", "2", "Dan", "dan@y")]
    config = company({"value": 1, "person": "Dan"}, {"value": 2, "person": "dan@y"})
    (finding,) = unmatched(config, Directory(records, config))
    assert "Dan (dan@x), Dan (dan@y)" in finding.message


def test_what_teams_and_people_do_not_cover_is_unassigned() -> None:
    # teams: 60 + 30 of 100; people of North: 20 + 25 of 60; nobody in South has a target
    target = [{"value": 100}, {"value": 60, "team": "North"}, {"value": 30, "team": "South"}]
    people = [{"value": 20, "person": "Ann"}, {"value": 25, "person": "Bob"}]
    assert texts(*target, *people) == [
        ("10 of the target of the company are unassigned to teams", False),
        ("15 of the target of North are unassigned to people", False),
    ]


def test_parts_that_exceed_the_whole_are_reported() -> None:
    target = [{"value": 100}, {"value": 80, "team": "North"}, {"value": 30, "team": "South"}]
    assert texts(*target) == [("the targets of the teams exceed that of the company by 10", True)]


def test_parts_agree_within_half_a_percent_and_ratios_do_not_add_up() -> None:
    assert texts({"value": 1000}, {"value": 600, "team": "North"}, {"value": 404, "team": "South"}) == []
    assert texts({"value": 0.4}, {"value": 0.5, "team": "North"}, value="won / closed", unit="ratio") == []
    assert texts({"value": 1000}, {"share": "equal"}) == []
