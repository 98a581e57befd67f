"""Reviews dated targets against the people of the company: who is not found, and what the parts add up to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.messages import comma_separated, nearest, quoted
from exporter.config.positions import Finding, KeyPath
from exporter.config.root import Config
from exporter.config.targets import Entry
from exporter.kpi.targets import DatedTarget
from exporter.metrics.people import Directory
from exporter.metrics.values import Group

_TOLERANCE = 0.005
"""Parts that differ from the whole by no more than this share of it agree with it."""


def unmatched(config: Config, directory: Directory) -> Iterator[Finding]:
    """Persons and teams in targets who are not found, and persons who are found more than once."""
    teams = [*(team.name for team in config.teams), *directory.teams]
    for path, _, entries in _dated(config):
        for index, entry in enumerate(entries):
            if entry.person is not None:
                yield from _person((*path, index, "person"), entry.person, directory)
            for key, name in _teams_of(entry):
                if name.casefold() not in {team.casefold() for team in teams}:
                    yield Finding((*path, index, *key), f"there is no team {quoted(name)}", _near(name, teams))


@dataclass(frozen=True, slots=True)
class PartsOfTarget:
    """What the targets of a team's people, or of the company's teams, add up to today."""

    path: KeyPath
    subject: str
    parts: str
    whole: float
    total: float

    @property
    def exceeds(self) -> bool:
        """True if the parts add up to more than the whole."""
        return self.total > self.whole

    @property
    def text(self) -> str:
        """The difference in words."""
        difference = f"{abs(self.whole - self.total):,g}"
        if self.exceeds:
            return f"the targets of the {self.parts} exceed that of {self.subject} by {difference}"
        return f"{difference} of the target of {self.subject} are unassigned to {self.parts}"


def parts_of_targets(config: Config, directory: Directory, at: datetime) -> Iterator[PartsOfTarget]:
    """The sums that differ from the target above them, for additive KPIs with targets in force at an instant.

    Teams and people without a target of their own add nothing; where none has one, nothing is compared.
    """
    roster, today = directory.roster(at), at.astimezone(config.company.timezone).date()
    names = {team.casefold(): team for team in (*directory.teams, *(team.name for team in config.teams))}
    for path, kpi, entries in _dated(config):
        if config.is_ratio(kpi):
            continue
        target = DatedTarget.of(entries, kpi.better, roster, flow=config.is_flow(kpi), common=False)

        def number(group: Group, target: DatedTarget = target) -> float | None:
            aim = target.on(today, group)
            return None if aim is None else aim.middle

        if Scope.TEAM in kpi.scopes:
            targets = [number(Group(team)) for team in names.values()]
            yield from _compared(path, "the company", "teams", number(Group()), targets)
        if Scope.PERSON in kpi.scopes:
            for key, members in sorted(roster.members.items()):
                team = names.get(key, key)
                targets = [number(Group(team, person)) for person in members]
                yield from _compared(path, team, "people", number(Group(team)), targets)


def _compared(
    path: KeyPath, subject: str, parts: str, whole: float | None, targets: list[float | None]
) -> Iterator[PartsOfTarget]:
    numbers = [target for target in targets if target is not None]
    if whole is not None and numbers and abs(sum(numbers) - whole) > _TOLERANCE * abs(whole):
        yield PartsOfTarget(path, subject, parts, whole, sum(numbers))


def _dated(config: Config) -> Iterator[tuple[KeyPath, Kpi, tuple[Entry, ...]]]:
    for index, kpi in enumerate(config.kpis):
        if isinstance(kpi.target, tuple):
            yield ("kpis", index, "target"), kpi, kpi.target


def _teams_of(entry: Entry) -> Iterator[tuple[KeyPath, str]]:
    """(path in the entry, name) of each team that an entry names."""
    if entry.team is not None:
        yield ("team",), entry.team
    for name in entry.share if isinstance(entry.share, dict) else ():
        yield ("share", name), name


def _person(path: KeyPath, text: str, directory: Directory) -> Iterator[Finding]:
    labels = directory.matches(text)
    if not labels:
        yield Finding(path, f"nobody is listed as {quoted(text)}", _near(text, directory.names))
    elif len(labels) > 1:
        hint = "write the email of the one you mean"
        yield Finding(
            path, f"{quoted(text)} may be any of {comma_separated(labels)}: the target applies to nobody", hint
        )


def _near(name: str, candidates: tuple[str, ...] | list[str]) -> str:
    near = nearest(name, candidates)
    return f"did you mean {near}?" if near else "write an id, email or name as the sources do"
