"""Whose target judges whom: thirty sellers of one company."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.config.fields import Scope, Status
from exporter.kpi.evaluate import KpiEvaluator
from exporter.kpi.values import Freshness, KpiValue
from exporter.metrics.people import Directory
from exporter.metrics.person_records import PersonRecord
from tests.kpi.configs import config_of, kpi
from tests.kpi.fake_metrics import FakeMetrics
from tests.kpi.scenario import fresh_until

AT = datetime(2021, 2, 28, 22, 59, 59, tzinfo=UTC)
"""The last second of February in Zurich."""

SELLERS = [f"Seller {number}" for number in range(30)]
TEAMS = {"North": SELLERS[:10], "South": SELLERS[10:]}
SOLD = 100_000
"""What each of them sold in February: 3,000,000 together."""


def sales(
    target: Any, records: Sequence[PersonRecord] = (), sellers: Sequence[str] = SELLERS, **settings: Any
) -> list[KpiValue]:
    """All values of a KPI on revenue, in the company of thirty sellers."""
    teams = [{"name": name, "members": members} for name, members in TEAMS.items()]
    config = config_of(
        kpi(value="revenue", unit="currency", target=target, scopes=["company", "team", "person"], **settings),
        teams=teams,
    )
    row = {"in": ["revenue"], "at": "2021-02-03T10:00", "value": SOLD}
    by_person = {seller: [["2020-01-01", team]] for team, sellers in TEAMS.items() for seller in sellers}
    metrics = FakeMetrics(config, [{**row, "person": seller} for seller in sellers], by_person)
    roster_at = Directory(records, config).roster
    return list(KpiEvaluator(config).evaluate(metrics, fresh_until(deals=Freshness(AT)), AT, None, roster_at)[0].kpis)


def targets(values: list[KpiValue], scope: Scope) -> dict[str, float | None]:
    return {value.person or value.team or "": value.target for value in values if value.scope is scope}


def test_the_companys_total_judges_none_of_thirty_sellers() -> None:
    values = sales(3_000_000)
    assert Counter((value.scope, value.status) for value in values) == {
        (Scope.COMPANY, Status.ON_TRACK): 1,
        (Scope.TEAM, Status.NO_TARGET): 2,
        (Scope.PERSON, Status.NO_TARGET): 30,
    }
    assert all(value.value is not None for value in values)
    assert {value.reason for value in values[1:]} == {"the target is the company's, and no other is set for this scope"}


def test_equal_shares_go_from_the_company_to_teams_and_from_teams_to_people() -> None:
    values = sales([{"value": 3_000_000}, {"share": "equal"}])
    # two teams: 1,500,000 each; ten people in North: 150,000 each; twenty in South: 75,000 each
    assert targets(values, Scope.TEAM) == pytest.approx({"North": 1_500_000, "South": 1_500_000})
    people = targets(values, Scope.PERSON)
    assert people["Seller 0"] == pytest.approx(150_000)
    assert people["Seller 29"] == pytest.approx(75_000)


def test_named_shares_are_for_teams_alone() -> None:
    values = sales([{"value": 3_000_000}, {"share": {"north": "40%", "South": 0.6}}])
    assert targets(values, Scope.TEAM) == pytest.approx({"North": 1_200_000, "South": 1_800_000})
    assert set(targets(values, Scope.PERSON).values()) == {None}


def test_everybody_has_the_same_target_per_person() -> None:
    values = sales([{"value": 3_000_000}, {"per_person": 90_000}, {"value": 95_000, "person": "seller 3"}])
    assert set(targets(values, Scope.TEAM).values()) == {None}
    assert Counter(targets(values, Scope.PERSON).values()) == {90_000: 29, 95_000: 1}


@pytest.mark.parametrize("text", ["7", "s7@example.com", "S7@EXAMPLE.COM", "Seller 7", " seller 7 "])
def test_a_person_is_found_by_id_email_or_name(text: str) -> None:
    records = [PersonRecord("crm", "7", "Seller 7", "s7@example.com"), PersonRecord("crm", "8", "Seller 8")]
    people = targets(sales([{"value": 3_000_000}, {"value": 42, "person": text}], records), Scope.PERSON)
    assert people == {seller: 42 if seller == "Seller 7" else None for seller in SELLERS}


def test_a_name_that_two_people_have_finds_neither() -> None:
    records = [PersonRecord("crm", "107", "Ada", "a@example.com"), PersonRecord("crm", "108", "Ada", "m@example.com")]
    labels = ["Ada (a@example.com)", "Ada (m@example.com)"]

    def numbers(person: str) -> list[float | None]:
        target = [{"value": 3_000_000}, {"value": 42, "person": person}]
        people = targets(sales(target, records, sellers=[*SELLERS, *labels]), Scope.PERSON)
        assert {people[seller] for seller in SELLERS} == {None}
        return [people[label] for label in labels]

    assert numbers("Ada") == [None, None]
    assert numbers("a@example.com") == numbers("107") == numbers("Ada (a@example.com)") == [42, None]
    assert numbers("M@example.com") == numbers("108") == [None, 42]


def test_a_member_whose_name_two_others_have_is_a_person_of_that_name_alone() -> None:
    records = [PersonRecord("crm", "7", "Seller 7", "s7@example.com"), PersonRecord("crm", "8", "Seller 7", "s@x")]
    people = targets(sales([{"value": 42, "person": "Seller 7"}], records), Scope.PERSON)
    assert people == {seller: 42 if seller == "Seller 7" else None for seller in SELLERS}
