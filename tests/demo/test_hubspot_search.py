"""Filters and order of the demo's search."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.demo.company.entities import RecordHistory
from exporter.demo.hubspot.search import matching, since_of

ROWS = [
    {"hs_object_id": "2", "amount": "90", "dealname": "Beta", "hs_lastmodifieddate": "2026-03-02T09:00:00.000Z"},
    {"hs_object_id": "10", "amount": "100", "dealname": "Alpha", "hs_lastmodifieddate": "2026-03-02T10:00:00.000Z"},
    {"hs_object_id": "3", "amount": None, "dealname": "", "hs_lastmodifieddate": "2026-03-02T11:00:00.000Z"},
]


def found(*rules: dict[str, Any], sorts: Any = ()) -> list[str]:
    records = [(RecordHistory(id=int(str(row["hs_object_id"]))), row) for row in ROWS]
    body = {"filterGroups": [{"filters": [rule]} for rule in rules], "sorts": sorts}
    return [str(row["hs_object_id"]) for _, row in matching(list(records), body)]


@pytest.mark.parametrize(
    ("rule", "ids"),
    [
        ({"propertyName": "amount", "operator": "EQ", "value": "100"}, ["10"]),
        ({"propertyName": "amount", "operator": "NEQ", "value": "100"}, ["2"]),
        ({"propertyName": "amount", "operator": "LT", "value": 100}, ["2"]),
        ({"propertyName": "amount", "operator": "LTE", "value": 100}, ["2", "10"]),
        ({"propertyName": "amount", "operator": "GT", "value": "90"}, ["10"]),
        ({"propertyName": "hs_object_id", "operator": "GTE", "value": "3"}, ["10", "3"]),
        ({"propertyName": "amount", "operator": "BETWEEN", "value": "80", "highValue": "95"}, ["2"]),
        ({"propertyName": "dealname", "operator": "EQ", "value": "Alpha"}, ["10"]),
        ({"propertyName": "dealname", "operator": "GT", "value": "5"}, []),
        ({"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1772445600000"}, ["10", "3"]),
    ],
)
def test_a_filter_compares_numbers_as_numbers_and_times_as_times(rule: dict[str, Any], ids: list[str]) -> None:
    assert found(rule) == ids


def test_matching_one_of_several_groups_is_enough() -> None:
    rules = [{"propertyName": "amount", "operator": "EQ", "value": value} for value in ("90", "100")]
    assert found(*rules) == ["2", "10"]


@pytest.mark.parametrize(
    ("sorts", "ids"),
    [
        (["hs_object_id"], ["2", "3", "10"]),
        (["-hs_object_id"], ["10", "3", "2"]),
        ([{"propertyName": "amount", "direction": "ASCENDING"}], ["2", "10", "3"]),
        ([{"propertyName": "dealname", "direction": "DESCENDING"}], ["3", "2", "10"]),
        ([], ["2", "10", "3"]),
    ],
)
def test_results_are_in_the_requested_order(sorts: Any, ids: list[str]) -> None:
    assert found(sorts=sorts) == ids


def rule(value: Any, operator: str = "GTE", name: str = "changed") -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, "value": value}


@pytest.mark.parametrize(
    ("groups", "since"),
    [
        ([], None),
        ([[rule("1772445600000")]], 1772445600),
        ([[rule("1772445600000"), rule("1772445700000", "GT")]], 1772445700),
        ([[rule("1772445600000")], [rule("1772445500000")]], 1772445500),
        ([[rule("1772445600000")], []], None),
        ([[rule("1772445600000", "LT")]], None),
        ([[rule("1772445600000", name="created")]], None),
    ],
)
def test_a_lower_bound_of_every_group_narrows_the_search(groups: list[list[Any]], since: int | None) -> None:
    assert since_of({"filterGroups": [{"filters": filters} for filters in groups]}, "changed") == since
