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


class ColumnHistory(StrEnum):
    """What a column says about an earlier instant than the last change of its record.

    A `fixed` column is a fact: a later value is a correction and counts at every instant. An `implied` column follows
    from the instants of the record: an event that has not happened yet is empty, and a status is the one before it.
    A `state` column changes without a trace in the record; only earlier versions of the record tell what it was.
    """

    FIXED = "fixed"
    IMPLIED = "implied"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class EntityColumn:
    """One column of an entity. `choices` lists the values of a text column; `person` marks the owner of the record."""

    name: str
    kind: ColumnKind
    choices: tuple[str, ...] = ()
    person: bool = False
    history: ColumnHistory = ColumnHistory.FIXED


@dataclass(frozen=True, slots=True)
class StatusStep:
    """An event that leads to the `reached` statuses; before it happens the status is `before`."""

    event: str
    reached: tuple[str, ...]
    before: str


def _column(
    kind: ColumnKind,
    *,
    choices: tuple[str, ...] = (),
    person: bool = False,
    history: ColumnHistory = ColumnHistory.FIXED,
) -> Any:
    return field(default=None, metadata={"kind": kind, "choices": choices, "person": person, "history": history})


def _choice(*choices: str, history: ColumnHistory = ColumnHistory.FIXED) -> Any:
    return _column(ColumnKind.TEXT, choices=choices, history=history)


_implied_status = partial(_choice, history=ColumnHistory.IMPLIED)
_text = partial(_column, ColumnKind.TEXT)
_state = partial(_column, ColumnKind.TEXT, history=ColumnHistory.STATE)
_person = partial(_column, ColumnKind.TEXT, person=True)
_owner = partial(_person, history=ColumnHistory.STATE)
_instant = partial(_column, ColumnKind.INSTANT, history=ColumnHistory.IMPLIED)
_planned = partial(_column, ColumnKind.INSTANT)
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
    pipeline: str | None = _state()
    stage: str | None = _state()
    status: str | None = _implied_status("open", "won", "lost")
    owner: str | None = _owner()
    account: str | None = _state()
    origin: str | None = _text()
    created_at: datetime | None = _instant()
    closed_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead(Record):
    """A prospect that is not a deal yet."""

    status: str | None = _implied_status("new", "working", "qualified", "converted", "lost")
    origin: str | None = _text()
    owner: str | None = _owner()
    created_at: datetime | None = _instant()
    qualified_at: datetime | None = _instant()
    converted_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Record):
    """Something that a person did or plans to do for a deal."""

    kind: str | None = _choice("call", "email", "meeting", "demo", "task", "note")
    status: str | None = _state()
    owner: str | None = _owner()
    created_at: datetime | None = _instant()
    due_at: datetime | None = _planned()
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

    status: str | None = _implied_status("open", "pending", "solved", "closed")
    priority: str | None = _state()
    channel: str | None = _text()
    queue: str | None = _state()
    agent: str | None = _owner()
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
    status: str | None = _implied_status("draft", "open", "paid", "void", "uncollectible")
    customer: str | None = _text()
    amount: Decimal | None = _money()
    currency: str | None = _text()
    issued_at: datetime | None = _instant()
    due_at: datetime | None = _planned()
    paid_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Record):
    """A payment received, with the amount refunded."""

    status: str | None = _choice("pending", "succeeded", "failed", "refunded", history=ColumnHistory.STATE)
    customer: str | None = _text()
    amount: Decimal | None = _money()
    refunded: Decimal | None = _money()
    currency: str | None = _text()
    paid_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(Record):
    """A recurring contract; `monthly_amount` is its price per month."""

    status: str | None = _state()
    customer: str | None = _text()
    plan: str | None = _state()
    monthly_amount: Decimal | None = _money()
    currency: str | None = _text()
    started_at: datetime | None = _instant()
    ended_at: datetime | None = _instant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Record):
    """Somebody whose records are measured."""

    name: str | None = _text()
    email: str | None = _text()
    team: str | None = _state()
    manager: str | None = _state()
    active: bool | None = _flag(history=ColumnHistory.STATE)


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

STATUS_STEPS: Mapping[str, tuple[StatusStep, ...]] = MappingProxyType(
    {
        "deals": (StatusStep("closed_at", ("won", "lost"), "open"),),
        "leads": (
            StatusStep("qualified_at", ("qualified", "converted"), "new"),
            StatusStep("converted_at", ("converted",), "qualified"),
        ),
        "tickets": (StatusStep("solved_at", ("solved", "closed"), "open"),),
        "invoices": (StatusStep("paid_at", ("paid",), "open"),),
    }
)
"""The events that lead to the statuses of an entity, in order. The other statuses hold at every instant."""

NOT_DATED_YET: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"invoices": ("draft",), "payments": ("pending", "failed")}
)
"""Statuses of records whose first instant is still to come. Any other record without it has a time that is unknown."""

SERIES_COLUMNS: Mapping[str, str] = MappingProxyType({"measurements": "name"})
"""The column of an entity whose values are series of their own, such as visits and headcount."""

FIXED_ATTRIBUTES = frozenset({"calls", "surveys", "payments", "measurements"})
"""Entities whose attributes are facts; those of all others are state."""

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
def event_columns(entity: str) -> tuple[str, ...]:
    """Names of the columns that tell when something happened, and not when it is planned."""
    events = (c for c in columns(entity) if c.kind is ColumnKind.INSTANT and c.history is ColumnHistory.IMPLIED)
    return ("updated_at", *(event.name for event in events))


@cache
def first_instant(entity: str) -> str | None:
    """The column of the event that a record begins with; None for people."""
    return next((c.name for c in columns(entity) if c.kind is ColumnKind.INSTANT), None)


@cache
def is_always_dated(entity: str, name: str) -> bool:
    """True for an instant that every record has, so that it is unknown where it is empty. Others may never happen."""
    return name in ("updated_at", first_instant(entity))


@cache
def is_free_text(entity: str, name: str) -> bool:
    """True for a column in which a source may write any text; `attributes.NAME` is an attribute."""
    entity_column = column(entity, name)
    if entity_column is None:
        return name == "id" or name.startswith("attributes.")
    return entity_column.kind is ColumnKind.TEXT and not entity_column.choices and name != "currency"


@cache
def history_of(entity: str, name: str) -> ColumnHistory:
    """What the column of that name says about the past; `attributes.NAME` is an attribute. Unknown names are facts."""
    if name.startswith("attributes."):
        return ColumnHistory.FIXED if entity in FIXED_ATTRIBUTES else ColumnHistory.STATE
    entity_column = column(entity, name)
    return entity_column.history if entity_column else ColumnHistory.FIXED


@cache
def person_column(entity: str) -> str | None:
    """The column that names the owner of a record (owner, agent), or None if the entity has none."""
    return next((c.name for c in columns(entity) if c.person), None)
