"""Owners as people, with their main team."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exporter.records import Person
from exporter.sources.parsing import convert
from exporter.sources.providers.hubspot.shape import identity


def owner(row: Mapping[str, Any]) -> Person:
    """An owner. No change time: archiving and a change of team do not move HubSpot's."""
    name = " ".join(filter(None, (convert.text(row.get(part), "name") for part in ("firstName", "lastName"))))
    email = convert.text(row.get("email"), "email")
    teams = sorted(row.get("teams") or (), key=lambda team: not team.get("primary"))
    kind = convert.text(row.get("type"), "type")
    return Person(
        id=identity(row),
        attributes={"type": kind} if kind not in (None, "PERSON") else {},
        name=name or email,
        email=email,
        team=convert.text(teams[0].get("name"), "team") if teams else None,
        active=row.get("archived") is not True,
    )
