"""From Aircall's calls and users to records. Times are epoch seconds, null for what did not happen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Call, Person
from exporter.sources.parsing import convert

_MISSED: Mapping[str, str] = MappingProxyType(
    {
        "out_of_opening_hours": "missed",
        "no_available_agent": "missed",
        "agents_did_not_answer": "missed",
        "short_abandoned": "abandoned",
        "abandoned_in_ivr": "abandoned",
        "abandoned_in_classic": "abandoned",
    }
)
"""Reasons: nobody was there, or the caller gave up. One that Aircall adds later still means missed."""

_PHASES: Mapping[str, bool] = MappingProxyType({"initial": False, "answered": False, "done": True})
"""Whether a call in that phase is over."""


def call(row: Mapping[str, Any]) -> Call:
    """A call. Aircall's own `duration` includes the ringing, so waiting and talking are taken from the instants."""
    started_at, answered_at, ended_at = (_instant(row, name) for name in ("started_at", "answered_at", "ended_at"))
    return Call(
        id=_id(row),
        attributes=_attributes(row),
        direction=convert.choice(row["direction"], "direction", {"inbound": "inbound", "outbound": "outbound"}),
        status=_status(row, answered_at),
        queue=convert.text((row.get("number") or {}).get("name"), "queue"),
        agent=convert.text((row.get("user") or {}).get("id"), "agent"),
        started_at=started_at,
        answered_at=answered_at,
        ended_at=ended_at,
        wait_seconds=_between(started_at, answered_at or _given_up_at(row, ended_at), "wait_seconds"),
        talk_seconds=_between(answered_at, ended_at, "talk_seconds"),
    )


def _status(row: Mapping[str, Any], answered_at: datetime | None) -> str | None:
    """What became of the call; None while it rings."""
    over = convert.choice(row["status"], "status", _PHASES)
    if answered_at is not None:
        return "answered"
    if not over:
        return None
    if row.get("voicemail"):
        return "voicemail"
    return _MISSED.get(convert.text(row.get("missed_call_reason"), "status") or "", "missed")


def _given_up_at(row: Mapping[str, Any], ended_at: datetime | None) -> datetime | None:
    """When an unanswered call stopped waiting; None for one that came when nobody was to answer."""
    return None if row.get("missed_call_reason") == "out_of_opening_hours" else ended_at


def _attributes(row: Mapping[str, Any]) -> dict[str, str]:
    """Reason, tags and teams. Telephone numbers and links to recordings stay at the vendor."""
    known = {
        "missed_call_reason": convert.text(row.get("missed_call_reason"), "missed_call_reason"),
        "tags": _names(row.get("tags")),
        "teams": _names(row.get("teams")),
    }
    return {name: value for name, value in known.items() if value is not None}


def _names(rows: Sequence[Mapping[str, Any]] | None) -> str | None:
    names = [convert.text(row.get("name"), "name") for row in rows or ()]
    return ", ".join(sorted(name for name in names if name)) or None


def _instant(row: Mapping[str, Any], name: str) -> datetime | None:
    return convert.instant(row[name], name, UTC, ("epoch",))


def _between(start: datetime | None, end: datetime | None, field: str) -> float | None:
    return None if start is None or end is None else convert.seconds((end - start).total_seconds(), field)


def person(row: Mapping[str, Any], teams: Mapping[str, Sequence[str]]) -> Person:
    """A user with the first of the teams; `teams` has the names by user id. No change time: there is none."""
    key = _id(row)
    mine = teams.get(key, ())
    return Person(
        id=key,
        attributes={"teams": ", ".join(mine)} if len(mine) > 1 else {},
        name=convert.text(row.get("name"), "name"),
        email=convert.text(row.get("email"), "email"),
        team=mine[0] if mine else None,
        active=True,
    )


def teams_by_user(teams: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Names of the teams of each user, in the order in which the vendor lists them."""
    found: dict[str, list[str]] = {}
    for team in teams:
        name = convert.text(team.get("name"), "team")
        for user in team.get("users") or ():
            if name is not None:
                found.setdefault(_id(user), []).append(name)
    return found


def _id(row: Mapping[str, Any]) -> str:
    key = convert.text(row.get("id"), "id")
    if key is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    return key
