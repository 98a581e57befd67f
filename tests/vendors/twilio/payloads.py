"""The legs of a call, the phone numbers and the people in Twilio's format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any

from exporter.demo.company.phones import LINES
from exporter.demo.company.staff import Employee
from tests.vendors.twilio.legs import NUMBERS, Leg, client

Row = dict[str, Any]

PRICED_AFTER = 600
"""Seconds after its end when a call gets its price."""
_PRICE_PER_MINUTE = {True: 0.0085, False: 0.0140}


def sid(prefix: str, *parts: object) -> str:
    """A Twilio identifier: two letters for the kind and 32 hexadecimal digits."""
    return prefix + blake2b("/".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def call(account: str, key: int, leg: Leg, now: int) -> Row:
    """A leg of the call with that key, as of an instant: ringing, answered, completed, and priced later."""
    over = leg.ended_at <= now
    priced_at = leg.ended_at + PRICED_AFTER
    changed_at = max(at for at in (leg.started_at, leg.answered_at, leg.ended_at, priced_at) if at and at <= now)
    duration = leg.duration(now)
    leg_sid = sid("CA", key, leg.number)
    return {
        "sid": leg_sid,
        "parent_call_sid": sid("CA", key, 0) if leg.number else None,
        "account_sid": account,
        "date_created": rfc2822(leg.started_at),
        "date_updated": rfc2822(changed_at),
        "from": leg.sender,
        "from_formatted": leg.sender,
        "to": leg.receiver,
        "to_formatted": leg.receiver,
        "phone_number_sid": sid("PN", leg.receiver) if leg.receiver in NUMBERS.values() else None,
        "status": leg.status(now),
        "start_time": rfc2822(leg.started_at),
        "end_time": rfc2822(leg.ended_at) if over else None,
        "duration": None if duration is None else str(duration),
        "price": _price(leg, duration) if duration and priced_at <= now else None,
        "price_unit": "USD",
        "direction": "outbound-dial" if leg.number else "inbound",
        "answered_by": "machine_start" if leg.machine and over else None,
        "api_version": "2010-04-01",
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": str(key % 4 * 180),
        "trunk_sid": None,
        "uri": f"/2010-04-01/Accounts/{account}/Calls/{leg_sid}.json",
        "subresource_uris": {},
    }


def _price(leg: Leg, seconds: int) -> str:
    return f"{-_PRICE_PER_MINUTE[leg.number == 0] * -(-seconds // 60):.5f}"


def rfc2822(at: int) -> str:
    """A time of the 2010 API: RFC 2822, in UTC."""
    return format_datetime(datetime.fromtimestamp(at, UTC))


def iso(at: int) -> str:
    """A time of the newer APIs."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def numbers(account: str) -> list[Row]:
    """The company's phone numbers, named after its lines."""
    return [
        {"sid": sid("PN", number), "account_sid": account, "phone_number": number, "friendly_name": line}
        for line, number in NUMBERS.items()
    ]


def worker(account: str, workspace: str, member: Employee, since: int) -> Row:
    """An employee; TaskRouter stores custom attributes as JSON text."""
    attributes = {
        "contact_uri": client(member), "full_name": member.name, "email": member.email, "team": member.team,
    }  # fmt: skip
    return {
        "sid": sid("WK", member.key),
        "account_sid": account,
        "workspace_sid": workspace,
        "friendly_name": client(member).partition(":")[2],
        "attributes": json.dumps(attributes),
        "activity_name": "Available",
        "activity_sid": sid("WA", "Available"),
        "available": True,
        "date_created": iso(since),
        "date_updated": iso(since),
        "date_status_changed": iso(since),
    }


def queues(account: str, workspace: str) -> list[Row]:
    """A task queue for each line."""
    return [
        {"sid": sid("WQ", line), "account_sid": account, "workspace_sid": workspace, "friendly_name": line}
        for line in LINES
    ]
