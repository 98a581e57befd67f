"""From Aircall's calls and users to records. Times are epoch seconds, null for what did not happen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from exporter.records import Call, Person
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow, attributes, epoch_instant, record_id

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
"""Reasons: nobody answered, or the caller gave up. A reason that is not listed means missed."""

_PHASES: Mapping[str, bool] = MappingProxyType({"initial": False, "answered": False, "done": True})
"""Whether a call in that phase has ended."""


def call(row: VendorRow) -> Call:
    """A call. Aircall's own `duration` includes the ringing, so the times of waiting and talking are calculated.

    Telephone numbers and links to recordings are not stored.
    """
    started_at, answered_at, ended_at = (
        epoch_instant(row[name], name) for name in ("started_at", "answered_at", "ended_at")
    )
    reason = convert.text(row.get("missed_call_reason"), "missed_call_reason")
    # nobody waits for an answer outside opening hours
    gave_up_at = None if reason == "out_of_opening_hours" else ended_at
    return Call(
        id=record_id(row),
        attributes=attributes(
            {"missed_call_reason": reason, "tags": _names(row.get("tags")), "teams": _names(row.get("teams"))}
        ),
        direction=convert.choice(row["direction"], "direction", {"inbound": "inbound", "outbound": "outbound"}),
        status=_status(row, reason, answered_at),
        queue=convert.text((row.get("number") or {}).get("name"), "queue"),
        agent=convert.text((row.get("user") or {}).get("id"), "agent"),
        started_at=started_at,
        answered_at=answered_at,
        ended_at=ended_at,
        wait_seconds=_between(started_at, answered_at or gave_up_at, "wait_seconds"),
        talk_seconds=_between(answered_at, ended_at, "talk_seconds"),
    )


def _status(row: VendorRow, reason: str | None, answered_at: datetime | None) -> str | None:
    """The outcome of the call; None while it rings."""
    is_over = convert.choice(row["status"], "status", _PHASES)
    if answered_at is not None:
        return "answered"
    if not is_over:
        return None
    return "voicemail" if row.get("voicemail") else _MISSED.get(reason or "", "missed")


def _names(rows: Sequence[VendorRow] | None) -> str | None:
    names = [convert.text(row.get("name"), "name") for row in rows or ()]
    return ", ".join(sorted(name for name in names if name)) or None


def _between(start: datetime | None, end: datetime | None, field: str) -> float | None:
    return None if start is None or end is None else convert.seconds((end - start).total_seconds(), field)


def person(row: VendorRow, teams: Mapping[str, Sequence[str]]) -> Person:
    """A user in the first of the user's teams; `teams` has team names by user id. Users have no change time."""
    user_id = record_id(row)
    user_teams = teams.get(user_id, ())
    return Person(
        id=user_id,
        attributes={"teams": ", ".join(user_teams)} if len(user_teams) > 1 else {},
        name=convert.text(row.get("name"), "name"),
        email=convert.text(row.get("email"), "email"),
        team=user_teams[0] if user_teams else None,
        active=True,
    )


def teams_by_user(teams: Iterable[VendorRow]) -> dict[str, list[str]]:
    """Names of the teams of each user, in Aircall's order."""
    names: dict[str, list[str]] = {}
    for team in teams:
        name = convert.text(team.get("name"), "team")
        for user in team.get("users") or ():
            if name is not None:
                names.setdefault(record_id(user), []).append(name)
    return names
