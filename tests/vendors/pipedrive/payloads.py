"""The company's records in Pipedrive's format: numeric amounts, integer ids, times by API version.

Version 2 and leads use ISO 8601 with a Z; the rest of version 1 uses UTC without a zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from exporter.demo.company.entities import DealHistory, LeadHistory
from exporter.demo.company.rhythm import local_day
from exporter.demo.company.sales import OPEN_STAGES
from exporter.demo.company.staff import Employee

USER_BASE, TEAM_BASE, CHANNEL_BASE = 14_200_000, 310, 50
ARCHIVED_AFTER = 90 * 86_400
"""Seconds after which an automation archives a closed deal."""
QUALIFIED_KEY = "9f1c6a52d04be1d9a53e0c7719f0b8a4c2d6e358"
CONVERTED_KEY = "4b7e02c8a1f95d36e8b04ac1d2739f5560ed1f7b"
"""Custom date fields: when a lead was qualified, and when it was converted to a deal."""

_PIPELINES = {False: (1, "Sales pipeline"), True: (2, "Partner pipeline")}
_PROBABILITY = dict(zip(OPEN_STAGES, (20, 40, 60, 80, 90), strict=True))
_CHANNELS = ("ORGANIC_SEARCH", "PAID_SEARCH", "REFERRALS", "EMAIL_MARKETING", "SOCIAL_MEDIA", "DIRECT_TRAFFIC",
             "OFFLINE")  # fmt: skip
_ORIGINS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ORGANIC_SEARCH": ("WebForms", "Web forms"), "PAID_SEARCH": ("WebForms", "Web forms"),
        "DIRECT_TRAFFIC": ("LiveChat", "Live chat"), "EMAIL_MARKETING": ("Campaigns", "Campaigns"),
    }
)  # fmt: skip
_MANUAL = ("ManuallyCreated", "Manually created")

Row = dict[str, Any]


def iso(at: int | None) -> str | None:
    """A time in the format of version 2."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def leads_time(at: int) -> str:
    """A time in the format of leads and call logs."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def v1_time(at: int) -> str:
    """A time in the format of version 1."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def lead_id(key: int) -> str:
    """A lead's id; ids are in order of creation."""
    return f"{key:08x}-5eed-4000-8000-{key:012x}"


def archived_at(record: DealHistory, now: int) -> int | None:
    """When a deal was archived, or None if it is not archived by `now`."""
    closed_at = record.closed_at(now)
    return closed_at + ARCHIVED_AFTER if closed_at is not None and closed_at + ARCHIVED_AFTER <= now else None


def deal_changed_at(record: DealHistory, now: int) -> int:
    """The time of a deal's last change; a deleted deal no longer changes."""
    frozen_at = _frozen_at(record, now)
    return max(record.changed_at(frozen_at), archived_at(record, frozen_at) or 0)


def _frozen_at(record: DealHistory, now: int) -> int:
    return now if record.archived_at is None else min(now, record.archived_at)


def deal(record: DealHistory, now: int) -> Row:
    """A deal of version 2. A closed deal retains its last open stage."""
    deleted, now = record.archived(now), _frozen_at(record, now)
    closed_at, stage, archive_time = record.closed_at(now), _open_stage(record, now), archived_at(record, now)
    won_at, lost_at = record.entered("won", now), record.entered("lost", now)
    return {
        "id": record.id,
        "title": record.name,
        "creator_user_id": USER_BASE + record.owner,
        "owner_id": USER_BASE + record.owner,
        "person_id": None,
        "org_id": None,
        "value": float(record.amount_at(now)),
        "currency": record.currency,
        "status": "deleted" if deleted else "won" if won_at else "lost" if lost_at else "open",
        "pipeline_id": _PIPELINES[record.partner][0],
        "stage_id": _stage_id(record.partner, stage),
        "probability": _PROBABILITY[stage] if closed_at is None else None,
        "lost_reason": "Price" if lost_at else None,
        "add_time": iso(record.created_at),
        "update_time": iso(deal_changed_at(record, now)),
        "stage_change_time": iso(record.entered(stage, now)),
        "close_time": iso(closed_at),
        "won_time": iso(won_at),
        "lost_time": iso(lost_at),
        "expected_close_date": local_day(record.expected_at).isoformat(),
        "is_deleted": deleted,
        "is_archived": archive_time is not None,
        "archive_time": iso(archive_time),
        "origin": _ORIGINS.get(record.origin, _MANUAL)[0],
        "origin_id": None,
        "channel": CHANNEL_BASE + _CHANNELS.index(record.origin),
        "channel_id": None,
        "label_ids": [],
        "visible_to": 3,
        "custom_fields": {},
    }


def _open_stage(record: DealHistory, now: int) -> str:
    return next(step.stage for step in reversed(record.steps) if step.at <= now and step.stage in OPEN_STAGES)


def _stage_id(partner: bool, stage: str) -> int:
    return 1 + partner * len(OPEN_STAGES) + OPEN_STAGES.index(stage)


def pipelines() -> list[Row]:
    """The two pipelines."""
    return [
        {"id": key, "name": name, "order_nr": key, "is_deleted": False, "is_deal_probability_enabled": True}
        for key, name in _PIPELINES.values()
    ]


def stages() -> list[Row]:
    """The stages of both pipelines; won and lost are statuses of a deal, not stages."""
    return [
        {
            "id": _stage_id(partner, stage),
            "name": stage.capitalize(),
            "pipeline_id": pipeline,
            "order_nr": order,
            "deal_probability": _PROBABILITY[stage],
            "is_deleted": False,
        }
        for partner, (pipeline, _) in _PIPELINES.items()
        for order, stage in enumerate(OPEN_STAGES, 1)
    ]


def is_settled(record: LeadHistory, now: int) -> bool:
    """Whether a lead is archived because it is lost or converted to a deal."""
    return record.stage(now) in ("lost", "converted")


def lead(record: LeadHistory, now: int) -> Row:
    """A lead of version 1. Custom fields without a value are omitted."""
    dates = {QUALIFIED_KEY: record.entered("qualified", now), CONVERTED_KEY: record.entered("converted", now)}
    origin, source = _ORIGINS.get(record.origin, _MANUAL)
    return {
        "id": lead_id(record.id),
        "title": f"{record.name} lead",
        "owner_id": USER_BASE + record.owner,
        "creator_id": USER_BASE + record.owner,
        "label_ids": [],
        "person_id": record.id,
        "organization_id": None,
        "source_name": source,
        "origin": origin,
        "origin_id": None,
        "channel": CHANNEL_BASE + _CHANNELS.index(record.origin),
        "channel_id": None,
        "source_deal_id": None,
        "is_archived": is_settled(record, now),
        "was_seen": record.stage(now) != "new",
        "value": None,
        "expected_close_date": None,
        "next_activity_id": None,
        "add_time": leads_time(record.created_at),
        "update_time": leads_time(record.changed_at(now)),
        "visible_to": "3",
        "cc_email": "company+1+lead@demo.pipedrivemail.com",
        **{key: local_day(at).isoformat() for key, at in dates.items() if at is not None},
    }


def person(record: LeadHistory, now: int) -> Row:
    """The contact at a prospect."""
    return {
        "id": record.id,
        "name": f"Buyer at {record.name}",
        "owner_id": USER_BASE + record.owner,
        "org_id": None,
        "emails": [],
        "phones": [],
        "add_time": iso(record.created_at),
        "update_time": iso(record.changed_at(now)),
        "is_deleted": record.archived(now),
        "visible_to": 3,
        "custom_fields": {},
    }


def user(member: Employee, day: date) -> Row:
    """A user; former employees are deactivated and remain on the list."""
    active = member.works_on(day)
    return {
        "id": USER_BASE + member.key,
        "name": member.name,
        "email": member.email,
        "active_flag": active,
        "activated": True,
        "is_deleted": False,
        "default_currency": "CHF",
        "timezone_name": "Europe/Zurich",
        "timezone_offset": "+01:00",
        "created": v1_time(1_673_251_200),
        "modified": v1_time(1_706_774_400),
        "last_login": v1_time(1_706_774_400),
        "role_id": 1,
        "is_you": member.key == 0,
    }


def team(index: int, name: str, members: Iterable[Employee]) -> Row:
    """A team with its current users."""
    users = [USER_BASE + member.key for member in members]
    return {
        "id": TEAM_BASE + index,
        "name": name,
        "description": None,
        "manager_id": users[0] if users else None,
        "users": users,
        "active_flag": 1,
        "deleted_flag": 0,
        "add_time": v1_time(1_673_251_200),
        "created_by_user_id": USER_BASE,
    }
