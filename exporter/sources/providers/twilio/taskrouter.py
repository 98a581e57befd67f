"""TaskRouter's workers and statistics as records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Measurement, Person
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow
from exporter.sources.providers.twilio.legs import party

_REAL_TIME = (
    "total_tasks", "longest_task_waiting_age", "longest_relative_task_age_in_queue", "total_available_workers",
    "total_eligible_workers",
)  # fmt: skip
_CUMULATIVE = (
    "tasks_entered", "tasks_completed", "tasks_canceled", "tasks_moved", "avg_task_acceptance_time",
    "reservations_created", "reservations_accepted", "reservations_rejected", "reservations_timed_out",
    "reservations_canceled",
)  # fmt: skip


def person(row: VendorRow) -> Person:
    """A worker. Its attributes, which are JSON as text, may contain name, email and team.

    Calls name whoever answered by address, so the id is the address at which TaskRouter rings the worker.
    """
    details = _attributes(row.get("attributes"))
    person_id = party(details.get("contact_uri")) or convert.identifier(row.get("sid"))
    if person_id is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    worker = convert.text(row["friendly_name"], "name")
    return Person(
        id=person_id,
        updated_at=convert.instant(row.get("date_updated"), "updated_at", UTC),
        name=convert.text(details.get("full_name") or details.get("name") or worker, "name"),
        email=convert.text(details.get("email"), "email"),
        team=convert.text(details.get("team") or details.get("team_name"), "team"),
        active=True,
        attributes={"worker": worker} if worker else {},
    )


def _attributes(text: Any) -> Mapping[str, Any]:
    try:
        attributes = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


def measurements(
    queue: str, name: str, real_time: VendorRow, cumulative: VendorRow, at: datetime
) -> Iterator[Measurement]:
    """Each number of a queue's statistics, with the queue as attribute. Cumulative ones are named `..._15m`."""
    waiting = (real_time.get("tasks_by_status") or {}).get("pending")
    numbers: dict[str, Any] = {"tasks_waiting": waiting, **{key: real_time.get(key) for key in _REAL_TIME}}
    numbers |= {f"{key}_15m": cumulative.get(key) for key in _CUMULATIVE}
    wait = cumulative.get("wait_duration_until_accepted") or {}
    numbers |= {f"wait_until_accepted_{key}_15m": wait.get(key) for key in ("avg", "max")}
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
