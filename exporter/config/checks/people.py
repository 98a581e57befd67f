"""Teams: nobody in two of them at once, and people who are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from exporter.config.checks.view import View
from exporter.config.messages import nearest
from exporter.config.organisation import Member
from exporter.config.positions import Finding, Path


class _Stay(NamedTuple):
    first: date
    last: date
    team: str
    path: Path


def errors(view: View) -> Iterator[Finding]:
    """People who are in two teams, or twice in one, on the same day."""
    stays: dict[str, list[_Stay]] = defaultdict(list)
    for place, team in view.teams:
        for position, member in enumerate(team.members):
            stay = _Stay(*_span(member), team.name, ("teams", place, "members", position))
            stays[member.person.casefold()].append(stay)
    for known in stays.values():
        for before, after in pairwise(sorted(known)):
            if after.first <= before.last:
                where = f"in {before.team} and {after.team}" if before.team != after.team else f"twice in {after.team}"
                cure = "one team at a time: until is the last day in one, since the first in the next"
                yield Finding(after.path, f"the person is {where} at the same time", cure)


def warnings(view: View) -> Iterator[Finding]:
    """Targets for people who are in no team, though somebody of nearly that name is."""
    members = {member.person for team in view.config.teams for member in team.members}
    for place, kpi in view.kpis:
        for position, entry in enumerate(kpi.target if isinstance(kpi.target, tuple) else ()):
            near = nearest(entry.person, members, 0.8) if entry.person and entry.person not in members else None
            if near:
                path: Path = ("kpis", place, "target", position, "person")
                yield Finding(path, "nobody of this name is in a team", f"did you mean {near}?")


def _span(member: Member) -> tuple[date, date]:
    return member.since or date.min, member.until or date.max
