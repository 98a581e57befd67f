"""Dated targets: the entries suit the KPI and each other, and those whom they name exist."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.config.checks.context import CheckContext
from exporter.config.checks.target_entries import errors, warnings
from tests.kpi.configs import config_of, kpi

TEAMS = [{"name": "North", "members": ["Annabel", "Bob"]}, {"name": "South"}]
ALL = ["company", "team", "person"]


def context(*target: dict[str, Any], scopes: list[str] | None = None, **settings: Any) -> CheckContext:
    return CheckContext(config_of(kpi(target=list(target), scopes=scopes or ALL, **settings), teams=TEAMS))


def problems(*target: dict[str, Any], **settings: Any) -> list[tuple[Any, ...]]:
    """The path below the target, and the message, of each error."""
    return [(*finding.path[3:], finding.message) for finding in errors(context(*target, **settings))]


WHOLE = {"value": 100}


def test_entries_for_everybody_are_accepted() -> None:
    shares = {"share": {"North": 0.6, "south": 0.4}}
    assert problems(WHOLE, shares, {"per_person": 5}, {"value": 9, "person": "Bob"}) == []
    assert problems(WHOLE, {"share": "equal"}) == []
    assert problems({"per_team": 50}, {"share": "equal"}) == []  # people share the target of their team


def test_two_entries_for_the_same_on_one_day_contradict_each_other() -> None:
    message = "two entries for the same scope start on the same day"
    assert problems(WHOLE, {"per_team": 5}, {"per_team": 6}) == [(2, message)]
    assert problems(WHOLE, {"value": 5, "team": "North"}, {"value": 6, "team": "North"}) == [(2, message)]
    assert problems(WHOLE, {"per_team": 5}, {"per_team": 6, "since": "2024-01-01"}, {"per_person": 5}) == []


@pytest.mark.parametrize(
    ("entry", "scope", "key"),
    [
        ({"value": 5, "team": "North"}, "team", "team"),
        ({"per_team": 5}, "team", "per_team"),
        ({"share": {"North": 0.5}}, "team", "share"),
        ({"value": 5, "person": "Bob"}, "person", "person"),
        ({"per_person": 5}, "person", "per_person"),
    ],
)
def test_an_entry_needs_the_scope_that_it_is_for(entry: dict[str, Any], scope: str, key: str) -> None:
    message = f"the entry is for a {scope}, but scopes does not contain {scope}"
    assert problems(WHOLE, entry, scopes=[each for each in ALL if each != scope]) == [(1, key, message)]


def test_an_equal_share_needs_a_scope_below_the_company() -> None:
    message = "the entry is for teams and people, but scopes contains neither"
    assert problems(WHOLE, {"share": "equal"}, scopes=["company"]) == [(1, "share", message)]


def test_a_share_needs_a_target_to_share() -> None:
    message = "there is no target of the company to share"
    assert problems({"share": {"North": 0.5}}) == [(0, "share", message)]
    assert problems({"value": 5, "team": "North"}, {"share": {"South": 0.5}}) == [(1, "share", message)]


def test_a_team_that_nobody_defines_is_an_error() -> None:
    assert problems(WHOLE, {"value": 5, "team": "Nroth"}, {"share": {"Suoth": 0.4}}) == [
        (1, "team", "there is no such team"),
        (2, "share", "Suoth", "there is no such team"),
    ]


def test_a_person_who_is_in_no_team_is_probably_misspelt() -> None:
    findings = list(warnings(context(WHOLE, {"value": 5, "person": "Anabel"}, {"value": 5, "person": "Zoe"})))
    assert [(finding.path[3:], finding.message, finding.hint) for finding in findings] == [
        ((1, "person"), "no team has a member of this name", "did you mean Annabel?"),
        (
            (2, "person"),
            "no team has such a member, and no source reads people",
            "write the name as in a team, or add the person to one",
        ),
    ]
