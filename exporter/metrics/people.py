"""Who stands behind an owner, and in which team they are when."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlglot import exp

from exporter.config.organisation import Member
from exporter.config.root import Config
from exporter.metrics.connection import Reader
from exporter.metrics.identity import Human, Keys, Listed, humans
from exporter.metrics.instants import FIRST, LAST, local_midnight
from exporter.metrics.statement import write
from exporter.naming import OTHER

MOST_STRANGERS = 1000
"""Owners whom nobody lists get a series each up to this many; all further ones share one."""


@dataclass(frozen=True, slots=True)
class TeamSpan:
    """The team that a person's records count for over a half-open span of instants."""

    since: datetime
    until: datetime
    team: str | None


class Directory:
    """Everybody whose records are measured; a person is a number that counts up from 0, a team its place in `teams`.

    Owners whom nobody lists become persons when they are first asked for. Load it once per evaluation.
    """

    def __init__(self, listed: Iterable[Listed], config: Config) -> None:
        self._keys = Keys()
        self._labels: list[str] = []
        self._spans: list[tuple[TeamSpan, ...]] = []
        self._strangers: dict[str, int] = {}
        self._taken: set[str] = set()
        self._place(humans(listed), config)
        self.teams = tuple(sorted({span.team for spans in self._spans for span in spans if span.team is not None}))
        self._changes = sorted({span.since for spans in self._spans for span in spans})

    @classmethod
    def load(cls, reader: Reader, config: Config) -> Directory:
        """Everybody whom the sources list: present ones first, then in the order of the config's sources.

        People whose record was deleted still own what they did.
        """
        ranks = {source.name: rank for rank, source in enumerate(config.sources)}
        columns = [exp.column(name) for name in ("source", "id", "name", "email", "team", "deleted", "active")]
        rows = reader.execute(write(exp.select(*columns).from_("people"))).fetchall()
        rows.sort(key=lambda row: (row[5], row[6] is False, ranks.get(row[0], len(ranks)), row[0], row[1]))
        return cls((Listed(row[0], *((text or "").strip() for text in row[1:5])) for row in rows), config)

    def owner(self, source: str, owner: str) -> int | None:
        """The person behind an owner: whom sources or teams know, else one of that name; None where it is blank."""
        text = owner.strip()
        known = self._keys.owner(source, text) if text else None
        return self._stranger(text) if text and known is None else known

    def label(self, person: int) -> str:
        """What the person is called in series; no two are called the same."""
        return self._labels[person]

    def spans(self, person: int) -> tuple[TeamSpan, ...]:
        """The person's teams over all time, without a gap."""
        return self._spans[person]

    def team(self, person: int, at: datetime) -> str | None:
        """The person's team at an instant."""
        spans = self._spans[person]
        return next((span.team for span in spans if at < span.until), spans[-1].team)

    def era(self, at: datetime) -> int:
        """Differs between two instants only if somebody changed team between them."""
        return bisect_right(self._changes, at)

    def _place(self, known: tuple[Human, ...], config: Config) -> None:
        """Gives everybody a number and their teams: the config's where it names one, else the source's."""
        names = {team.name.casefold(): team.name for team in config.teams}
        homes: list[str | None] = [names.get(team.casefold(), team) for team in (human.team or "" for human in known)]
        for person, human in enumerate(known):
            self._labels.append(self._free(human.label))
            self._keys.add(person, human)
        stays = self._stays(config)
        homes += [None] * (len(self._labels) - len(homes))
        self._spans = [_filled(stays[person], home or None) for person, home in enumerate(homes)]

    def _stays(self, config: Config) -> dict[int, list[TeamSpan]]:
        """Spans that the config names, by person; members whom nobody lists become persons here."""
        stays: dict[int, list[TeamSpan]] = defaultdict(list)
        for team in config.teams:
            for member in team.members:
                stays[self._member(member.person.strip())].append(_stay(member, team.name, config.company.timezone))
        return stays

    def _member(self, text: str) -> int:
        known = self._keys.named(text)
        if known is not None:
            return known
        self._labels.append(self._free(text))
        self._keys.by_name[text.casefold()] = {len(self._labels) - 1}
        return len(self._labels) - 1

    def _stranger(self, text: str) -> int:
        key = text.casefold()
        if key not in self._strangers and len(self._strangers) >= MOST_STRANGERS:
            key = OTHER
        if key not in self._strangers:
            self._strangers[key] = len(self._labels)
            self._labels.append(self._free(OTHER if key == OTHER else text))
            self._spans.append((TeamSpan(FIRST, LAST, None),))
        return self._strangers[key]

    def _free(self, label: str) -> str:
        while label in self._taken:
            label += " (unmatched)"
        self._taken.add(label)
        return label


def _stay(member: Member, team: str, zone: ZoneInfo) -> TeamSpan:
    since = local_midnight(member.since or date.min, zone)
    until = local_midnight(member.until + timedelta(days=1), zone) if member.until else LAST
    return TeamSpan(since, until, team)


def _filled(stays: list[TeamSpan], home: str | None) -> tuple[TeamSpan, ...]:
    """All of time: the stays in order, the first of overlapping ones, and home in between."""
    found = []
    reached = FIRST
    for stay in sorted(stays, key=lambda stay: stay.since):
        since = max(stay.since, reached)
        if since >= stay.until:
            continue
        if reached < since:
            found.append(TeamSpan(reached, since, home))
        found.append(TeamSpan(since, stay.until, stay.team))
        reached = stay.until
    return (*found, TeamSpan(reached, LAST, home)) if reached < LAST else tuple(found)
