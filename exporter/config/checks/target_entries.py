"""Checks of dated targets: the entries suit the KPI and each other, and those whom they name exist."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from exporter.config.checks.context import CheckContext
from exporter.config.fields import Better, Scope
from exporter.config.kpis import Kpi
from exporter.config.messages import nearest, quoted, suggestion
from exporter.config.positions import Finding, KeyPath
from exporter.config.targets import EQUAL, Entry

_SIMILAR = 0.8


def errors(context: CheckContext) -> Iterator[Finding]:
    """Entries that contradict the KPI or each other, and teams that cannot exist."""
    for path, kpi, entries in _dated(context):
        indexes: dict[tuple[object, date], int] = {}
        for index, entry in enumerate(entries):
            first = indexes.setdefault((_subject(entry), entry.since), index)
            if first != index:
                hint = f"give it another since than target[{first}], or remove one of them"
                yield Finding((*path, index), "two entries for the same scope start on the same day", hint)
            yield from _form((*path, index), entry, kpi)
            yield from _scopes((*path, index), entry, kpi)
        yield from _shares(path, entries)
    for index, kpi, _ in context.calculable:
        for position, entry in enumerate(kpi.target if isinstance(kpi.target, tuple) else ()):
            if entry.share is not None and context.config.is_ratio(kpi):
                message = "a ratio or mean cannot be shared: the same number fits every team"
                hint = "remove the entry, or write per_team: NUMBER"
                yield Finding(("kpis", index, "target", position, "share"), message, hint)
    if not context.knows_people and "teams" not in context.unreadable:
        for path, name in _teams_named(context):
            hint = suggestion(name, context.names("teams"), "teams defined")
            hint = hint or "no team is defined, and no source reads people"
            yield Finding(path, "there is no such team", hint)


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Teams and persons that are probably misspelt."""
    if context.knows_people:
        for path, name in _teams_named(context):
            near = nearest(name, context.names("teams"), _SIMILAR)
            if near:
                yield Finding(path, f"the config defines no team {quoted(name)}", f"did you mean {near}?")
    members = {member.person.strip(): None for team in context.config.teams for member in team.members}
    listed = {member.casefold() for member in members}
    for path, _, entries in _dated(context):
        for index, entry in enumerate(entries):
            if entry.person is None or entry.person.strip().casefold() in listed:
                continue
            near = nearest(entry.person, members, _SIMILAR)
            if near:
                yield Finding((*path, index, "person"), "no team has a member of this name", f"did you mean {near}?")
            elif members and not context.knows_people:
                hint = "write the name as in a team, or add the person to one"
                yield Finding((*path, index, "person"), "no team has such a member, and no source reads people", hint)


def _dated(context: CheckContext) -> Iterator[tuple[KeyPath, Kpi, tuple[Entry, ...]]]:
    for index, kpi in context.kpis:
        if isinstance(kpi.target, tuple):
            yield ("kpis", index, "target"), kpi, kpi.target


def _subject(entry: Entry) -> object:
    """Whom the entry is for: at most one entry for the same may start on a day."""
    if entry.share is not None:
        return "share", entry.share if entry.share == EQUAL else tuple(sorted(entry.share))
    kind = "team" if entry.per_team is not None else "person" if entry.per_person is not None else None
    return kind, entry.team, entry.person


def _form(path: KeyPath, entry: Entry, kpi: Kpi) -> Iterator[Finding]:
    if entry.share is None and (entry.within is not None) is not (kpi.better is Better.WITHIN):
        form = "within: [low, high]" if kpi.better is Better.WITHIN else "value: NUMBER"
        message = f"better is {kpi.better.value}, but the entry has the other form"
        yield Finding(path, message, f"write {form}")


def _scopes(path: KeyPath, entry: Entry, kpi: Kpi) -> Iterator[Finding]:
    subjects = (
        (Scope.TEAM, "team", entry.team),
        (Scope.PERSON, "person", entry.person),
        (Scope.TEAM, "per_team", entry.per_team),
        (Scope.PERSON, "per_person", entry.per_person),
        (Scope.TEAM, "share", entry.share if isinstance(entry.share, dict) else None),
    )
    for scope, key, value in subjects:
        if value is not None and scope not in kpi.scopes:
            message = f"the entry is for a {scope.value}, but scopes does not contain {scope.value}"
            yield Finding((*path, key), message, f"add {scope.value} to scopes, or remove the entry")
    if entry.share == EQUAL and kpi.scopes == (Scope.COMPANY,):
        message = "the entry is for teams and people, but scopes contains neither"
        yield Finding((*path, "share"), message, "add team or person to scopes, or remove the entry")


def _shares(path: KeyPath, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    """A named share needs something to share; an equal one may divide the teams' own targets alone."""
    whole = any(entry.is_companys for entry in entries)
    teams = any(entry.team is not None or entry.per_team is not None for entry in entries)
    for index, entry in enumerate(entries):
        if entry.share is not None and not whole and not (teams and entry.share == EQUAL):
            message = "there is no target of the company to share"
            yield Finding((*path, index, "share"), message, "add an entry {value: NUMBER}")


def _teams_named(context: CheckContext) -> Iterator[tuple[KeyPath, str]]:
    """(path, name) of each team that a target names and the config does not define."""
    defined = {name.casefold() for name in context.names("teams")}
    for path, _, entries in _dated(context):
        for index, entry in enumerate(entries):
            if entry.team is not None and entry.team.casefold() not in defined:
                yield (*path, index, "team"), entry.team
            for name in entry.share if isinstance(entry.share, dict) else ():
                if name.casefold() not in defined:
                    yield (*path, index, "share", name), name
