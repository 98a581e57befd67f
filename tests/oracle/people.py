"""Whose record it is, and which team the person was in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.dates import date_of, local_date
from tests.oracle.history import Reading

PERSON_COLUMNS = {
    "deals": "owner",
    "leads": "owner",
    "activities": "owner",
    "calls": "agent",
    "tickets": "agent",
    "surveys": "agent",
}


class Staff:
    """The people of one instant. Names are unique among the generated companies' people, records with one email are one person."""

    def __init__(self, readings: Iterable[Reading], teams: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> None:
        self._people = sorted(readings, key=lambda reading: (reading.record.source, reading.record.id))
        self._teams = list(teams)
        self._zone = zone

    def name(self, source: str, owner: str) -> str:
        """The name of the person that owns a record; an owner whom nobody knows keeps the own text."""
        person = self._find(source, owner)
        return str(person.value("name")) if person else owner

    def team(self, name: str, at: datetime) -> str | None:
        """The team of a person at an instant: by the config, else by the source."""
        day = local_date(at, self._zone)
        person = next((each for each in self._people if each.value("name") == name), None)
        keys = {name.casefold()} | ({str(person.value("email")).casefold()} if person else set())
        for team in self._teams:
            for member in team["members"]:
                since, until = date_of(member.get("since"), date.min), date_of(member.get("until"), date.max)
                if member["person"].casefold() in keys and since <= day <= until:
                    return str(team["name"])
        homes = [each.value("team") for each in self._people if each.value("name") == name and each.value("team")]
        return str(homes[0]) if homes else None

    def _find(self, source: str, owner: str) -> Reading | None:
        key = owner.casefold()
        for matches in (
            [each for each in self._people if (each.record.source, each.record.id) == (source, owner)],
            [each for each in self._people if each.record.id == owner],
            [each for each in self._people if each.value("email").casefold() == key],
            [each for each in self._people if each.value("name").casefold() == key],
        ):
            humans = {each.value("email"): each for each in matches}
            if len(humans) == 1:
                return next(iter(humans.values()))
        return None
