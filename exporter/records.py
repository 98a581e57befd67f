"""Entities and their columns: the common schema into which every provider converts a vendor's payloads.

All instants are in UTC, money is exact with its ISO 4217 code, durations are in seconds. Further fields of a vendor go
to `attributes`, whose values are text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, partial
from types import MappingProxyType
from typing import Any


def _no_attributes() -> Mapping[str, str]:
    return {}


class ColumnKind(StrEnum):
    """The type of a column: decides its SQL type, and which aggregates and operators make sense."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    SECONDS = "seconds"
    INSTANT = "instant"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class EntityColumn:
    """One column of an entity. `choices` lists the values of a text column; `person` marks the owner of the record."""

    name: str
    kind: ColumnKind
    choices: tuple[str, ...] = ()
    person: bool = False


def _column(kind: ColumnKind, *, choices: tuple[str, ...] = (), person: bool = False) -> Any:
    return field(default=None, metadata={"kind": kind, "choices": choices, "person": person})


def _choice(*choices: str) -> Any:
    return _column(ColumnKind.TEXT, choices=choices)


_text = partial(_column, ColumnKind.TEXT)
_person = partial(_column, ColumnKind.TEXT, person=True)
_instant = partial(_column, ColumnKind.INSTANT)
_seconds = partial(_column, ColumnKind.SECONDS)
_money = partial(_column, ColumnKind.MONEY)
_number = partial(_column, ColumnKind.NUMBER)
_flag = partial(_column, ColumnKind.FLAG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The fields of every entity. The sync adds the name of the source, never a provider."""

    id: str
    updated_at: datetime | None = None
    deleted: bool = False
    attributes: Mapping[str, str] = field(default_factory=_no_attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal(Record):
    """A sales opportunity."""

    name: str | None = _text()
    amount: Decimal | None = _money()
    currency: str | None = _text()
    pipeline: str | None = _text()
    stage: str | None = _text()
    status: str | None = _choice("open", "won", "lost")
    owner: str | None = _person()
    account: str | None = _text()
    origin: str | None = _text()
    created_at: datetime | None = _instant()
    closed_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead(Record):
    """A prospect that is not a deal yet."""

    status: str | None = _choice("new", "working", "qualified", "converted", "lost")
    origin: str | None = _text()
    owner: str | None = _person()
    created_at: datetime | None = _instant()
    qualified_at: datetime | None = _instant()
    converted_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Record):
    """Something that a person did or plans to do for a deal."""

    kind: str | None = _choice("call", "email", "meeting", "demo", "task", "note")
    status: str | None = _text()
    owner: str | None = _person()
    created_at: datetime | None = _instant()
    due_at: datetime | None = _instant()
    completed_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Record):
    """One conversation or attempt, never a leg. Talk and wait times never include the ringing of other legs."""

    direction: str | None = _choice("inbound", "outbound")
    status: str | None = _choice("answered", "missed", "abandoned", "voicemail", "busy", "failed")
    queue: str | None = _text()
    agent: str | None = _person()
    started_at: datetime | None = _instant()
    answered_at: datetime | None = _instant()
    ended_at: datetime | None = _instant()
    wait_seconds: float | None = _seconds()
    talk_seconds: float | None = _seconds()
    hold_seconds: float | None = _seconds()
    wrap_seconds: float | None = _seconds()
    resolved: bool | None = _flag()
    satisfaction: float | None = _number()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket(Record):
    """A customer's request to the helpdesk."""

    status: str | None = _choice("open", "pending", "solved", "closed")
    priority: str | None = _text()
    channel: str | None = _text()
    queue: str | None = _text()
    agent: str | None = _person()
    created_at: datetime | None = _instant()
    first_reply_at: datetime | None = _instant()
    solved_at: datetime | None = _instant()
    reopens: float | None = _number()
    satisfaction: float | None = _number()


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey(Record):
    """One answer to a satisfaction question."""

    kind: str | None = _choice("csat", "nps", "ces")
    score: float | None = _number()
    scale_max: float | None = _number()
    agent: str | None = _person()
    answered_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice(Record):
    """An invoice sent or a bill received."""

    kind: str | None = _choice("sale", "bill")
    status: str | None = _choice("draft", "open", "paid", "void", "uncollectible")
    customer: str | None = _text()
    amount: Decimal | None = _money()
    currency: str | None = _text()
    issued_at: datetime | None = _instant()
    due_at: datetime | None = _instant()
    paid_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Record):
    """A payment received, with the amount refunded."""

    status: str | None = _choice("pending", "succeeded", "failed", "refunded")
    customer: str | None = _text()
    amount: Decimal | None = _money()
    refunded: Decimal | None = _money()
    currency: str | None = _text()
    paid_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(Record):
    """A recurring contract; `monthly_amount` is its price per month."""

    status: str | None = _text()
    customer: str | None = _text()
    plan: str | None = _text()
    monthly_amount: Decimal | None = _money()
    currency: str | None = _text()
    started_at: datetime | None = _instant()
    ended_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Record):
    """Somebody whose records are measured."""

    name: str | None = _text()
    email: str | None = _text()
    team: str | None = _text()
    manager: str | None = _text()
    active: bool | None = _flag()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(Record):
    """Any other dated number, such as web visits, headcount or ad spend."""

    name: str | None = _text()
    value: float | None = _number()
    at: datetime | None = _instant()


ENTITIES: Mapping[str, type[Record]] = MappingProxyType(
    {
        "deals": Deal,
        "leads": Lead,
        "activities": Activity,
        "calls": Call,
        "tickets": Ticket,
        "surveys": Survey,
        "invoices": Invoice,
        "payments": Payment,
        "subscriptions": Subscription,
        "people": Person,
        "measurements": Measurement,
    }
)

ENTITY_OF: Mapping[type[Record], str] = MappingProxyType({kind: name for name, kind in ENTITIES.items()})


@cache
def columns(entity: str) -> tuple[EntityColumn, ...]:
    """The entity's own columns in order: all but id, updated_at, deleted and attributes."""
    fields = dataclasses.fields(ENTITIES[entity])
    return tuple(EntityColumn(name=f.name, **f.metadata) for f in fields if f.metadata)


@cache
def column(entity: str, name: str) -> EntityColumn | None:
    """The column of that name, or None."""
    return next((c for c in columns(entity) if c.name == name), None)


@cache
def person_column(entity: str) -> str | None:
    """The column that names the owner of a record (owner, agent), or None if the entity has none."""
    return next((c.name for c in columns(entity) if c.person), None)
