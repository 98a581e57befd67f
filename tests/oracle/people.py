"""Whose record it is, and which team the person was in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.dates import date_of, local_date
from tests.oracle.history import Reading, Records

PERSON_COLUMNS = {
    "deals": "owner",
    "leads": "owner",
    "activities": "owner",
    "calls": "agent",
    "tickets": "agent",
    "surveys": "agent",
}


class Staff:
    """Everybody, from what was known at an instant.

    Names are unique among the generated companies' people, and records with one email are one person. A person is
    the name; so is a member of a team whom no source lists.
    """

    def __init__(
        self, records: Records, known_at: datetime | None, teams: Iterable[Mapping[str, Any]], zone: ZoneInfo
    ) -> None:
        self._records, self._known_at = records, known_at
        self._people = self._readings(datetime.max.replace(tzinfo=UTC))
        self._teams = list(teams)
        self._zone = zone

    def name(self, source: str, owner: str) -> str:
        """The name of the person that owns a record; an owner whom nobody knows keeps the own text."""
        own = [each for each in self._people if (each.record.source, each.record.id) == (source, owner)]
        return str(own[0].value("name")) if own else self.named(owner) or owner

    def named(self, text: str) -> str | None:
        """The only person with this id, else with this email, else with this name; an id of several finds nobody."""
        key = text.casefold()
        keys = [
            (each.record.id, each.value("email").casefold(), each.value("name").casefold()) for each in self._people
        ]
        for place, wanted in enumerate((text, key, key)):
            names = {each.value("name") for each, own in zip(self._people, keys, strict=True) if own[place] == wanted}
            if len(names) == 1:
                return str(names.pop())
        return None

    def label(self, text: str) -> str | None:
        """Whom a target names: the text itself if nobody is listed under it, None if several are."""
        found = {each.value("name") for each in self._people if each.record.id == text}
        return self.named(text) or (None if found else text)

    def team(self, name: str, at: datetime) -> str | None:
        """The team of a person at an instant: by the config, else the one that a source named then."""
        day = local_date(at, self._zone)
        for team in self._teams:
            for member in team["members"]:
                since, until = date_of(member.get("since"), date.min), date_of(member.get("until"), date.max)
                who = self.named(member["person"]) or member["person"]
                if who.casefold() == name.casefold() and since <= day <= until:
                    return str(team["name"])
        homes = [str(each.value("team")) for each in self._records_of(name, at) if each.value("team")]
        spelling = {team["name"].casefold(): str(team["name"]) for team in self._teams}
        return spelling.get(homes[0].casefold(), homes[0]) if homes else None

    def members(self, at: datetime) -> dict[str, set[str]]:
        """The active members of each team that has any, by the team's name in lower case."""
        names = {str(each.value("name")) for each in self._people}
        for team in self._teams:
            names |= {m["person"] for m in team["members"] if self.named(m["person"]) is None}
        result: dict[str, set[str]] = {}
        for name in names:
            own, home = self._records_of(name, at), self.team(name, at)
            if home is not None and (not own or any(each.value("active") is not False for each in own)):
                result.setdefault(home.casefold(), set()).add(name)
        return result

    def _records_of(self, name: str, at: datetime) -> list[Reading]:
        return [each for each in self._readings(at) if each.value("name") == name]

    def _readings(self, at: datetime) -> list[Reading]:
        """The records of people as of an instant, those of active people of today first."""
        readings = self._records.readings("people", at, self._known_at, level=True)
        return sorted(readings, key=lambda each: (each.raw.get("active") is False, each.record.source, each.record.id))
