"""From TaskRouter's workers and statistics to records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Measurement, Person
from exporter.sources.parsing import convert
from exporter.sources.providers.twilio.legs import party

Row = Mapping[str, Any]

_NOW = (
    "total_tasks", "longest_task_waiting_age", "longest_relative_task_age_in_queue", "total_available_workers",
    "total_eligible_workers",
)  # fmt: skip
_PERIOD = (
    "tasks_entered", "tasks_completed", "tasks_canceled", "tasks_moved", "avg_task_acceptance_time",
    "reservations_created", "reservations_accepted", "reservations_rejected", "reservations_timed_out",
    "reservations_canceled",
)  # fmt: skip


def person(row: Row) -> Person:
    """A worker. Name, e-mail and team may stand in its attributes, which are JSON written as text.

    Calls name whom they reached by address, so the address at which TaskRouter rings a worker is its id.
    """
    known = _attributes(row.get("attributes"))
    key = party(known.get("contact_uri")) or convert.text(row.get("sid"), "id")
    if key is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    worker = convert.text(row["friendly_name"], "name")
    return Person(
        id=key,
        updated_at=convert.instant(row.get("date_updated"), "updated_at", UTC),
        name=convert.text(known.get("full_name") or known.get("name") or worker, "name"),
        email=convert.text(known.get("email"), "email"),
        team=convert.text(known.get("team") or known.get("team_name"), "team"),
        active=True,
        attributes={"worker": worker} if worker else {},
    )


def _attributes(text: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def measurements(queue: str, name: str, now: Row, period: Row, at: datetime) -> Iterator[Measurement]:
    """Each number of a queue's statistics with the queue as attribute; period ones are named `..._15m`."""
    waiting = (now.get("tasks_by_status") or {}).get("pending")
    numbers: dict[str, Any] = {"tasks_waiting": waiting, **{key: now.get(key) for key in _NOW}}
    numbers |= {f"{key}_15m": period.get(key) for key in _PERIOD}
    accepted = period.get("wait_duration_until_accepted") or {}
    numbers |= {f"wait_until_accepted_{key}_15m": accepted.get(key) for key in ("avg", "max")}
    for key, value in numbers.items():
        if value is not None:
            yield Measurement(
                id=f"{queue}:{key}@{int(at.timestamp())}",
                updated_at=at,
                name=key,
                value=convert.number(value, key),
                at=at,
                attributes={"queue": name},
            )
