"""The activities of version 2 and the call logs of version 1, built from the company's calls and deals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from exporter.demo.company.entities import DealHistory, PhoneCall
from tests.vendors.pipedrive.payloads import USER_BASE, Row, iso, leads_time


class SellerActivity(NamedTuple):
    """A seller's call, or the meeting in which the product was demonstrated."""

    id: int
    kind: str
    owner: int
    planned_at: int
    due_at: int
    seconds: int = 3600

    def changed_at(self, now: int) -> int:
        """The time of the last change: planned, or marked as is_done."""
        return self.due_at if self.due_at <= now else self.planned_at


def call_activity(record: PhoneCall) -> SellerActivity:
    """The activity of a call, logged when the call ends."""
    seconds = record.ended_at - (record.answered_at or record.ended_at)
    return SellerActivity(2 * record.id, "call", int(record.agent or 0), record.ended_at, record.ended_at, seconds)


def demo_meeting(record: DealHistory, now: int) -> SellerActivity | None:
    """The demo meeting of a deal that reached the demo stage, planned up to five days before; otherwise None."""
    at = next((step.at for step in record.steps if step.stage == "demo"), None)
    planned_at = at and max(record.created_at, at - 5 * 86_400)
    if at is None or planned_at is None or planned_at > now:
        return None
    return SellerActivity(2 * record.id + 1, "meeting", record.owner, planned_at, at)


def activity(seller_activity: SellerActivity, now: int) -> Row:
    """An activity of version 2."""
    is_done = seller_activity.due_at <= now
    due = datetime.fromtimestamp(seller_activity.due_at, UTC)
    return {
        "id": seller_activity.id,
        "subject": seller_activity.kind.capitalize(),
        "type": seller_activity.kind,
        "owner_id": USER_BASE + seller_activity.owner,
        "creator_user_id": USER_BASE + seller_activity.owner,
        "done": is_done,
        "marked_as_done_time": iso(seller_activity.due_at) if is_done else None,
        "due_date": due.strftime("%Y-%m-%d"),
        "due_time": due.strftime("%H:%M:%S"),
        "duration": f"{seller_activity.seconds // 3600:02}:{seller_activity.seconds // 60 % 60:02}:{seller_activity.seconds % 60:02}",
        "add_time": iso(seller_activity.planned_at),
        "update_time": iso(seller_activity.changed_at(now)),
        "is_deleted": False,
    }


def call_log(record: PhoneCall) -> Row:
    """A call log of version 1, with times in the format of leads."""
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
        "start_time": leads_time(record.started_at),
        "end_time": leads_time(record.ended_at),
        "has_recording": False,
        "company_id": 1,
    }
