"""Whole evaluations: from config, rows and an instant to what is published (design 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.kpi.evaluate import evaluate
from exporter.kpi.values import Evaluation, Freshness, KpiValue
from tests.kpi.companies import config, kpi
from tests.kpi.golden import cases, close
from tests.kpi.ledger import Ledger, local

_INSTANTS = {"start": "period_start", "end": "period_end", "as_of": "as_of"}


def freshness(told: Config, at: datetime, case: Mapping[str, Any]) -> dict[str, Freshness]:
    complete = {"deals": at, "calls": at}
    for entity, until in case.get("complete", {}).items():
        complete[entity] = None if until is None else local(until, told)
    stale = case.get("stale", [])
    return {entity: Freshness(until, stale=entity in stale) for entity, until in complete.items()}


def evaluated(case: Mapping[str, Any]) -> tuple[Config, Evaluation]:
    told = config(kpi(**case["kpi"]), **case.get("company", {}))
    ledger, at = Ledger(told, case["rows"], case.get("teams")), local(case["at"], told)
    return told, evaluate(told, ledger, freshness(told, at, case), at, None)[0]


@pytest.mark.parametrize("case", cases("evaluation"))
def test_evaluations_as_worked_out_by_hand(case: dict[str, Any]) -> None:
    told, found = evaluated(case)
    assert [whose(value) for value in found.kpis] == [expected_whose(row) for row in case["expect"]]
    for value, expected in zip(found.kpis, case["expect"], strict=True):
        for name, number in expected.items():
            if name in _INSTANTS:
                assert getattr(value, _INSTANTS[name]) == (None if number is None else local(number, told)), name
            elif name == "status":
                assert value.status is Status(number)
            elif name not in ("scope", "team", "person"):
                assert getattr(value, name) == close(number), name


def whose(value: KpiValue) -> tuple[str, str | None, str | None]:
    return value.scope.value, value.team, value.person


def expected_whose(row: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    return row.get("scope", Scope.COMPANY.value), row.get("team"), row.get("person")
