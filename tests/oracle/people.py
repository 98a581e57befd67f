"""Whose record it is, and which team the person was in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
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
    """Everybody, from what was known at an instant. Names are unique, and records with one email are one person."""

    def __init__(
        self, records: Records, known_at: datetime | None, teams: Iterable[Mapping[str, Any]], zone: ZoneInfo
    ) -> None:
        self._records, self._known_at = records, known_at
        self._people = self._readings(datetime.max.replace(tzinfo=zone))
        self._teams = list(teams)
        self._zone = zone

    def name(self, source: str, owner: str) -> str:
        """The name of the person that owns a record; an owner whom nobody knows keeps the own text."""
        person = self._find(source, owner)
        return str(person.value("name")) if person else owner

    def team(self, name: str, at: datetime) -> str | None:
        """The team of a person at an instant: by the config, else the one that the source named then."""
        day = local_date(at, self._zone)
        person = next((each for each in self._people if each.value("name") == name), None)
        keys = {name.casefold()} | ({str(person.value("email")).casefold()} if person else set())
        for team in self._teams:
            for member in team["members"]:
                since, until = date_of(member.get("since"), date.min), date_of(member.get("until"), date.max)
                if member["person"].casefold() in keys and since <= day <= until:
                    return str(team["name"])
        homes = [each.value("team") for each in self._readings(at) if each.value("name") == name and each.value("team")]
        return str(homes[0]) if homes else None

    def _readings(self, at: datetime) -> list[Reading]:
        readings = self._records.readings("people", at, self._known_at, level=True)
        return sorted(readings, key=lambda reading: (reading.record.source, reading.record.id))

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
