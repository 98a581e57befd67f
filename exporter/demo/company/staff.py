"""The employees: teams, departments, and how skilled each is."""

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


@dataclass(frozen=True, slots=True)
class Employee:
    """An employee; `last_day` is set for a former one.

    `skill` is 1 on average, `load` the relative share of the team's work.
    """

    key: int
    name: str
    email: str
    team: str
    department: str
    skill: float
    load: float
    last_day: date | None = None

    def works_on(self, day: date) -> bool:
        """False after the last day of a former employee."""
        return self.last_day is None or day <= self.last_day


@dataclass(frozen=True)
class Staff:
    """Forty employees in five teams and a former one, drawn from a seed."""

    seed: int

    @cached_property
    def members(self) -> tuple[Employee, ...]:
        """All employees, the former one last; `key` is the index."""
        rng = Random(f"{self.seed}/staff")  # noqa: S311
        teams = [(team, department) for team, department, size in TEAMS for _ in range(size)]
        people = [_member(rng, key, name, *teams[key]) for key, name in enumerate(_NAMES)]
        return (*people, _member(rng, len(people), _FORMER, "Sales South", SALES, date(2026, 6, 30)))

    @cached_property
    def sellers(self) -> tuple[Employee, ...]:
        """Employees who own deals."""
        return tuple(member for member in self.members if member.department == SALES)

    @cached_property
    def agents(self) -> tuple[Employee, ...]:
        """Employees who answer tickets and calls."""
        return tuple(member for member in self.members if member.department == SERVICE)


def _member(rng: Random, key: int, name: str, team: str, department: str, last_day: date | None = None) -> Employee:
    email = f"{name.lower().replace(' ', '.')}@alpenwerk.example"
    return Employee(key, name, email, team, department, rng.lognormvariate(0, 0.28), rng.uniform(0.7, 1.3), last_day)


def shift(members: Iterable[Employee], day: date) -> Odds[Employee]:
    """The employees who work on a day, weighted by load."""
    return Odds({member: member.load for member in members if member.works_on(day)})
