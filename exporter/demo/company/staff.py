"""The people of the company: teams, departments, and how good each is at the work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from random import Random

from exporter.demo.company.chance import Odds

SALES, SERVICE = "Sales", "Customer Service"

TEAMS = (
    ("Sales North", SALES, 8),
    ("Sales South", SALES, 8),
    ("Partner Sales", SALES, 6),
    ("Support", SERVICE, 10),
    ("Customer Care", SERVICE, 8),
)

_NAMES = (
    "Anna Keller", "Beat Huber", "Chiara Rossi", "Daniel Okafor", "Elif Yilmaz", "Fabian Meier", "Giulia Bianchi",
    "Hannah Schmid", "Ivan Petrovic", "Julia Brunner", "Kofi Mensah", "Laura Fischer", "Marco Gerber", "Nadia Haddad",
    "Oliver Baumann", "Priya Nair", "Quentin Favre", "Rahel Zimmermann", "Samuel Graf", "Tamara Novak",
    "Urs Steiner", "Valeria Moretti", "William Clarke", "Xenia Popov", "Yannick Dubois", "Zoe Lehmann",
    "Amir Rahimi", "Bettina Roth", "Carlos Moreno", "Dilara Kaya", "Emil Lindqvist", "Franziska Wyss",
    "Gabriel Santos", "Helena Kovacs", "Isabelle Martin", "Jonas Widmer", "Katarina Horvat", "Lukas Frei",
    "Mei Tanaka", "Noah Bachmann",
)  # fmt: skip
_FORMER = "Petra Vogel"

MOVED = ("Isabelle Martin", "Support", "Customer Care", date(2026, 5, 1))
"""Who changed team, from where to where and since when; vendors only know the present team."""


@dataclass(frozen=True, slots=True)
class Employee:
    """One person. `skill` is 1 for an average colleague, `load` how much of the team's work lands there."""

    key: int
    name: str
    email: str
    team: str
    department: str
    skill: float
    load: float
    left: date | None = None

    def works_on(self, day: date) -> bool:
        """False from the day after somebody left."""
        return self.left is None or day <= self.left


@dataclass(frozen=True)
class Staff:
    """Everybody, drawn from a seed: forty people in five teams, and one who left."""

    seed: int

    @cached_property
    def members(self) -> tuple[Employee, ...]:
        """All of them, the one who left last; `key` is the position."""
        rng = Random(f"{self.seed}/staff")  # noqa: S311
        teams = [(team, department) for team, department, size in TEAMS for _ in range(size)]
        people = [_member(rng, key, name, *teams[key]) for key, name in enumerate(_NAMES)]
        return (*people, _member(rng, len(people), _FORMER, "Sales South", SALES, date(2026, 6, 30)))

    @cached_property
    def sellers(self) -> tuple[Employee, ...]:
        """Who owns deals."""
        return tuple(member for member in self.members if member.department == SALES)

    @cached_property
    def agents(self) -> tuple[Employee, ...]:
        """Who answers tickets and calls."""
        return tuple(member for member in self.members if member.department == SERVICE)


def _member(rng: Random, key: int, name: str, team: str, department: str, left: date | None = None) -> Employee:
    email = f"{name.lower().replace(' ', '.')}@alpenwerk.example"
    return Employee(key, name, email, team, department, rng.lognormvariate(0, 0.28), rng.uniform(0.7, 1.3), left)


def shift(members: Iterable[Employee], day: date) -> Odds[Employee]:
    """Who works on that day; the busier ones are drawn more often."""
    return Odds({member: member.load for member in members if member.works_on(day)})
