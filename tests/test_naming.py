"""Names, labels and help texts of the series."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import (
    COMPANY_FAMILIES,
    OWN_FAMILIES,
    PERSON_EMAIL,
    SCOPED,
    SIGNAL_FAMILIES,
    Family,
    label_name,
    metric_family,
    scoped,
)
from tests.config.minimal import config

FAMILIES = (*COMPANY_FAMILIES, PERSON_EMAIL, *SIGNAL_FAMILIES, *OWN_FAMILIES)


def family(scope: Scope = Scope.COMPANY, **metric: Any) -> Family:
    plain = {"name": "m", "title": "A metric", "entity": "deals"}
    rule = {} if "during" in metric else {"at": "closed_at"}
    aggregate = {} if {"sum", "mean"} & metric.keys() else {"count": "rows"}
    found = config(metrics=[{**plain, **rule, **aggregate, **metric}])
    return metric_family(found, found.metrics[1], scope)


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ({}, "business_m"),
        ({"sum": "amount"}, "business_m_chf"),
        ({"name": "revenue_chf", "sum": "amount"}, "business_revenue_chf"),
        ({"entity": "calls", "at": "started_at", "mean": "wait_seconds"}, "business_m_seconds"),
        (
            {"name": "wait_seconds", "entity": "calls", "at": "started_at", "mean": "wait_seconds"},
            "business_wait_seconds",
        ),
        ({"unit": "ratio"}, "business_m_ratio"),
        ({"unit": "points"}, "business_m"),
    ],
)
def test_the_unit_of_a_metric_is_added_as_suffix_once(metric: dict[str, Any], name: str) -> None:
    assert family(**metric).name == name


@pytest.mark.parametrize(
    ("scope", "prefix", "labels"),
    [
        (Scope.COMPANY, "business_", ("period", "stage", "deal_type")),
        (Scope.TEAM, "team_business_", ("period", "team")),
        (Scope.PERSON, "person_business_", ("period", "team", "person")),
    ],
)
def test_each_scope_has_its_own_family(scope: Scope, prefix: str, labels: tuple[str, ...]) -> None:
    found = family(scope, by=["stage", "attributes.Deal Type"])
    assert found.name == f"{prefix}m"
    assert found.labels == labels


def test_a_level_has_no_period_label() -> None:
    found = family(during={"from": "created_at", "until": "closed_at"})
    assert "period" not in found.labels
    assert "now" in found.help


def test_a_help_text_states_title_unit_and_caching() -> None:
    assert family(title="Deals won").help.startswith("Deals won (count), ")
    assert "Cached" in family().help


@pytest.mark.parametrize(
    ("column", "label"),
    [
        ("stage", "stage"),
        ("attributes.Deal Type", "deal_type"),
        ("attributes.A-B.c", "a_b_c"),
        ("attributes.2nd", "label_2nd"),
        ("attributes.__x__", "x"),
        ("attributes. - ", "label_"),
    ],
)
def test_a_column_becomes_a_label(column: str, label: str) -> None:
    assert label_name(column) == label
    assert re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", label)


@pytest.mark.parametrize("found", FAMILIES, ids=lambda found: found.name)
def test_family_names_follow_prometheus_conventions(found: Family) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]*", found.name)
    assert found.help.endswith(".")
    assert (found.type == "counter") == found.name.endswith("_total")
    assert len(set(found.labels)) == len(found.labels)


def test_family_names_are_unique() -> None:
    names = [found.name for found in FAMILIES]
    names += [scoped(found, scope).name for found in SCOPED for scope in (Scope.TEAM, Scope.PERSON)]
    assert len(set(names)) == len(names)


def test_every_defined_family_is_listed() -> None:
    defined = {found for found in vars(naming).values() if isinstance(found, Family)}
    assert defined == set(FAMILIES)


def test_own_series_have_the_prefix_and_closed_labels() -> None:
    assert all(found.name.startswith("kpi_exporter_") for found in OWN_FAMILIES)
    assert not any(found.name.startswith("kpi_exporter_") for found in COMPANY_FAMILIES)


def test_a_scoped_family_has_the_labels_of_its_scope_after_the_kpi() -> None:
    assert scoped(naming.STATUS, Scope.PERSON) == Family(
        "person_kpi_status", naming.STATUS.help, ("kpi", "team", "person", "status")
    )
    assert scoped(naming.VALUE, Scope.TEAM).labels == ("kpi", "team")
    assert scoped(naming.VALUE, Scope.COMPANY) is naming.VALUE


def test_labels_of_the_exporter_are_reserved() -> None:
    assert {"period", "team", "person", "kpi"} <= naming.RESERVED_LABELS
