"""What sellers did, as Pipedrive shows it: activities of version 2, call logs of version 1."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from exporter.demo.company.entities import DealHistory, PhoneCall
from tests.vendors.pipedrive.payloads import USER_BASE, Row, iso, leads_iso


class Doing(NamedTuple):
    """Something a seller did for a deal or a prospect: a call, or the meeting in which the product was shown."""

    id: int
    kind: str
    owner: int
    planned_at: int
    due_at: int
    seconds: int = 3600

    def changed_at(self, now: int) -> int:
        """When it was last touched: planned, or marked as done."""
        return self.due_at if self.due_at <= now else self.planned_at


def call_made(record: PhoneCall) -> Doing:
    """A call, written down when it is over."""
    seconds = record.ended_at - (record.answered_at or record.ended_at)
    return Doing(2 * record.id, "call", int(record.agent or 0), record.ended_at, record.ended_at, seconds)


def demo_given(record: DealHistory, now: int) -> Doing | None:
    """The meeting of a deal that came to its demo, planned a while before."""
    at = next((step.at for step in record.steps if step.stage == "demo"), None)
    planned_at = at and max(record.created_at, at - 5 * 86_400)
    if at is None or planned_at is None or planned_at > now:
        return None
    return Doing(2 * record.id + 1, "meeting", record.owner, planned_at, at)


def activity(doing: Doing, now: int) -> Row:
    """An activity of version 2."""
    done = doing.due_at <= now
    due = datetime.fromtimestamp(doing.due_at, UTC)
    return {
        "id": doing.id,
        "subject": doing.kind.capitalize(),
        "type": doing.kind,
        "owner_id": USER_BASE + doing.owner,
        "creator_user_id": USER_BASE + doing.owner,
        "done": done,
        "marked_as_done_time": iso(doing.due_at) if done else None,
        "due_date": due.strftime("%Y-%m-%d"),
        "due_time": due.strftime("%H:%M:%S"),
        "duration": f"{doing.seconds // 3600:02}:{doing.seconds // 60 % 60:02}:{doing.seconds % 60:02}",
        "add_time": iso(doing.planned_at),
        "update_time": iso(doing.changed_at(now)),
        "is_deleted": False,
    }


def call_log(record: PhoneCall) -> Row:
    """A call log of version 1; its times are in the manner of leads."""
    answered = record.answered_at
    return {
        "id": f"CA{record.id:030x}",
        "activity_id": 2 * record.id,
        "user_id": USER_BASE + int(record.agent or 0),
        "subject": "Call",
        "outcome": "connected" if answered else "no_answer",
        "duration": str(record.ended_at - answered if answered else 0),
        "from_phone_number": "+41440000000",
        "to_phone_number": "+41440000001",
        "start_time": leads_iso(record.started_at),
        "end_time": leads_iso(record.ended_at),
        "has_recording": False,
        "company_id": 1,
    }
