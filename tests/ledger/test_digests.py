"""What a result rests on: digests that change with it, and with nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from exporter.kpi.calendar import DateSpan
from exporter.ledger.digests import Digests, digests
from tests.kpi.configs import config_of, kpi

OCTOBER = DateSpan(date(2021, 10, 1), date(2021, 11, 1))
BASE: dict[str, Any] = {"target": 10, "value": "won", "min_sample": 3}
METRICS: list[dict[str, Any]] = [
    {"name": "won", "title": "W", "entity": "deals", "at": "closed_at", "count": "rows", "where": {"status": "won"}},
    {"name": "revenue", "title": "R", "entity": "deals", "at": "closed_at", "sum": "amount"},
    {"name": "lost", "title": "L", "entity": "deals", "at": "closed_at", "count": "rows"},
]


def digest(metrics: list[dict[str, Any]] | None = None, company: dict[str, Any] | None = None, **kpi_: Any) -> Digests:
    """The digests of October 2021 of a KPI; another KPI is there as well."""
    teams = kpi_.pop("teams", None)
    others = kpi_.pop("others", [])
    config = config_of(kpi(**{**BASE, **kpi_}), *others, metrics=metrics or METRICS, teams=teams, **(company or {}))
    return digests(config, config.kpis[0], OCTOBER)


def changed(**changes: Any) -> tuple[bool, bool]:
    """Whether the digests of definition and target change with this."""
    before, after = digest(), digest(**changes)
    return before.definition != after.definition, before.target != after.target


@pytest.mark.parametrize(
    "changes",
    [
        {"value": "won + lost"},
        {"value": "won * 2"},
        {"value": [{"is": "lost"}, {"is": "won / 2", "since": "2021-10-31"}]},
        {"metrics": [{**METRICS[0], "where": {"status": "lost"}}, *METRICS[1:]]},
        {"metrics": [{**METRICS[0], "at": "created_at"}, *METRICS[1:]]},
        {"bands": {"exceeded": 1.2, "on_track": 1.0, "at_risk": 0.9}},
        {"min_sample": 4},
        {"pace": "none"},
        {"company": {"timezone": "UTC"}},
        {"company": {"workdays": ["mon", "tue"]}, "pace": "workdays"},
        {"guard": "other", "others": [kpi("other")]},
    ],
)
def test_the_definition(changes: dict[str, Any]) -> None:
    assert changed(**changes) == (True, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"target": 11},
        {"target": {"within": [9, 11]}},
        {"target": {"growth": "10%", "over": "previous"}},
        {"target": [{"value": 10}, {"value": 12, "since": "2021-10-31"}]},
        {"better": "lower"},
        {"scale": 3},
        {"applies_to": "all"},
    ],
)
def test_the_target(changes: dict[str, Any]) -> None:
    assert changed(**changes) == (False, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another", "why": "Because.", "weight": 3, "owner": "b@example.com", "supporting": ["lost"]},
        {"value": [{"is": "won"}, {"is": "lost", "since": "2021-11-01"}]},
        {"value": [{"is": "lost"}, {"is": "won", "since": "2021-10-31"}]},
        {"metrics": [{**METRICS[0], "title": "Won", "by": ["stage"]}, METRICS[1], {**METRICS[2], "at": "created_at"}]},
        {
            "company": {
                "name": "Other",
                "holidays": {"dates": ["2021-10-04"]},
                "hours": {"opens": "08:00", "closes": "17:00"},
            }
        },
        {"company": {"rates": {"USD": 1.1}}},
        {"others": [kpi("other", target=3)]},
        {"teams": [{"name": "North", "members": ["Ada"]}]},
        {"bands": {"exceeded": 1.1, "on_track": 1.0, "at_risk": 0.9}},
    ],
)
def test_what_neither_the_value_nor_the_target_of_that_period_rests_on(changes: dict[str, Any]) -> None:
    assert changed(**changes) == (False, False)


def entries(*more: dict[str, Any]) -> str:
    """The target's digest with a list of entries."""
    return digest(target=[{"value": 10, "since": "2021-01-01"}, *more]).target


@pytest.mark.parametrize(
    ("entry", "same"),
    [
        ({"value": 12, "since": "2021-11-01"}, True),
        ({"value": 12, "until": "2021-09-30"}, True),
        ({"value": 12, "since": "2020-01-01"}, True),
        ({"value": 12, "since": "2021-10-15"}, False),
        ({"value": 12, "since": "2021-10-01"}, False),
        ({"value": 5, "team": "North"}, False),
    ],
)
def test_entries_count_while_they_are_in_force(entry: dict[str, Any], same: bool) -> None:
    assert (entries(entry) == entries()) is same


def test_money_rests_on_rates_and_teams_on_their_members() -> None:
    money = digest(value="revenue").definition
    assert digest(value="revenue", company={"rates": {"USD": 1.1}}).definition != money
    later = {"USD": [{"rate": 1.1}, {"rate": 1.2, "since": "2021-11-01"}]}
    assert (
        digest(value="revenue", company={"rates": later}).definition
        == digest(value="revenue", company={"rates": {"USD": 1.1}}).definition
    )
    scopes = {"scopes": ["company", "team"]}
    member = {"person": "Ada", "since": "2021-11-01"}
    plain, from_november = ([{"name": "North", "members": members}] for members in ([], [member]))
    joined = [{"name": "North", "members": [{"person": "Ada"}]}]
    assert digest(teams=plain, **scopes) == digest(teams=from_november, **scopes) != digest(teams=joined, **scopes)


def test_digests_are_the_same_in_every_process() -> None:
    code = "from tests.ledger.test_digests import digest; print(*digest())"
    seeds = [{**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2")]
    outputs = {
        subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
        for env in seeds
    }
    assert outputs == {" ".join(digest()) + "\n"}
