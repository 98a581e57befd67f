"""The employees of the company."""

from __future__ import annotations

from collections import Counter
from datetime import date
from random import Random

from exporter.demo.company.staff import SALES, SERVICE, TEAMS, Staff, shift

STAFF = Staff(7)
LATE = date(2026, 11, 20)


def test_forty_people_work_in_five_teams_of_two_departments() -> None:
    present = [member for member in STAFF.members if member.works_on(LATE)]
    assert len(present) == 40
    assert Counter(member.team for member in present) == {name: size for name, _, size in TEAMS}
    assert {member.department for member in present} == {SALES, SERVICE}
    assert len({member.email for member in present}) == len({member.name for member in present}) == 40


def test_the_same_seed_gives_the_same_people() -> None:
    assert Staff(7).members == STAFF.members
    assert Staff(8).members != STAFF.members


def test_every_employee_is_a_seller_or_an_agent() -> None:
    assert {*STAFF.sellers, *STAFF.agents} == set(STAFF.members)


def test_a_former_employee_works_until_the_last_day() -> None:
    (former,) = [member for member in STAFF.members if member.last_day]
    assert former.works_on(date(2026, 6, 30))
    assert not former.works_on(date(2026, 7, 1))


def test_an_employee_who_changed_teams_is_in_the_new_team() -> None:
    assert [member.team for member in STAFF.members if member.name == "Isabelle Martin"] == ["Customer Care"]


def test_a_shift_has_only_present_employees_weighted_by_load() -> None:
    rng, draws = Random(1), Counter[str]()
    odds = shift(STAFF.sellers, LATE)
    for _ in range(20_000):
        draws[odds.draw(rng).name] += 1
    assert "Petra Vogel" not in draws
    busiest = max((member for member in STAFF.sellers if member.works_on(LATE)), key=lambda member: member.load)
    laziest = min((member for member in STAFF.sellers if member.works_on(LATE)), key=lambda member: member.load)
    assert draws[busiest.name] > draws[laziest.name]
