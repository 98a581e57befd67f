"""Generated lives of records: every record with its states, which appear one after the other as the world syncs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.oracle.companies import Draw
from tests.oracle.freshness import READS
from tests.oracle.history import STATE

_PEOPLE: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("crm", "1", {"name": "Ann", "email": "ann@x.io", "team": "North"}),
    ("crm", "2", {"name": "Bob", "email": "bob@x.io", "team": "South"}),
    ("crm", "3", {"name": "Cleo", "email": "cleo@x.io", "team": None}),
    ("desk", "2", {"name": "Dora", "email": "dora@x.io", "team": "north"}),
    ("desk", "9", {"name": "Ann", "email": "ANN@x.io", "team": None}),
)
"""Two people have the same id in different sources, and Ann is in both."""

_OWNERS = st.sampled_from(["1", "2", "9", "ann@x.io", "bob", "CLEO", "zed", " ", None])


@dataclass(frozen=True)
class Change:
    """A state of a record that a source shows from a sync on."""

    source: str
    entity: str
    id: str
    sync: int
    fields: Mapping[str, Any]
    deleted: bool = False
    rejected: bool = False
    """The source shows something that is no valid record."""


def _text(*values: str | None) -> st.SearchStrategy[Any]:
    return st.sampled_from([*values, None])


_AMOUNTS = st.none() | st.integers(-50_000, 200_000).map(lambda cents: Decimal(cents) / 100)
_CURRENCIES = st.sampled_from([None, "", "EUR", "EUR", "USD", "USD", "JPY", "XXX"])
_FIELDS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "deals": {
        "name": _text("x1", "y2"), "status": st.sampled_from(["open", "won", "won", "lost"]), "stage": _text("a", "b", ""), "amount": _AMOUNTS,
        "currency": _CURRENCIES, "owner": _OWNERS,
        "attributes": st.fixed_dictionaries(
            {}, optional={"Deal Type": st.sampled_from(["n", "u", ""]), "size": st.sampled_from(["1", "2.5", "x", "nan"])}
        ),
    },
    "leads": {
        "status": st.sampled_from(["new", "working", "qualified", "converted", "converted", "lost"]), "owner": _OWNERS,
    },
    "activities": {"status": _text("planned", "done"), "owner": _OWNERS},
    "tickets": {
        "status": st.sampled_from(["open", "pending", "solved", "closed"]), "priority": _text("high", "low"),
        "agent": _OWNERS,
    },
    "invoices": {
        "status": st.sampled_from(["draft", "open", "paid", "void"]), "amount": _AMOUNTS, "currency": _CURRENCIES,
    },
    "payments": {
        "status": st.sampled_from(["pending", "succeeded", "refunded"]), "amount": _AMOUNTS, "refunded": _AMOUNTS,
        "currency": _CURRENCIES,
    },
    "subscriptions": {
        "status": st.sampled_from(["active", "active", "paused"]), "plan": _text("basic", "pro"),
        "monthly_amount": _AMOUNTS, "currency": _CURRENCIES,
    },
    "calls": {
        "status": st.sampled_from(["answered", "missed"]), "agent": _OWNERS,
        "talk_seconds": st.sampled_from([None, 30.0, 95.5]), "resolved": st.sampled_from([None, True, False]),
    },
    "surveys": {
        "kind": st.sampled_from(["csat", "csat", "nps"]), "score": st.sampled_from([None, 1.0, 4.0, 5.0]),
        "agent": _OWNERS, "attributes": st.fixed_dictionaries({}, optional={"mood": st.sampled_from(["up", "down"])}),
    },
    "measurements": {"name": _text("visits", "visits", "spend"), "value": st.sampled_from([None, 1.0, 40.0, 1000.0])},
}  # fmt: skip
_INSTANTS = {
    "deals": ("created_at", "closed_at"),
    "leads": ("created_at", "qualified_at", "converted_at"),
    "activities": ("created_at", "due_at", "completed_at"),
    "tickets": ("created_at", "first_reply_at", "solved_at"),
    "invoices": ("issued_at", "due_at", "paid_at"),
    "payments": ("paid_at",),
    "subscriptions": ("started_at", "ended_at"),
    "calls": ("started_at",),
    "surveys": ("answered_at",),
    "measurements": ("at",),
}
_REOPENED = {
    "tickets": {"status": "open", "solved_at": None},
    "deals": {"status": "open", "closed_at": None},
    "invoices": {"status": "open", "paid_at": None},
    "activities": {"status": "planned", "completed_at": None},
}


def half_hours(base: date) -> st.SearchStrategy[datetime]:
    """Half hours around a date, mostly near, some last month, few last year."""
    start = datetime.combine(base, time(), UTC)
    near, far = st.integers(-8 * 48, 10 * 48), st.integers(-45 * 48, 30 * 48)
    year = st.integers(-370 * 48, -360 * 48)
    return st.one_of(near, near, near, near, near, near, far, year).map(
        lambda half: start + half * timedelta(minutes=30)
    )


@st.composite
def lives(draw: Draw, base: date, syncs: int, entities: Collection[str]) -> list[Change]:
    """Changes of all records of these entities over a number of syncs."""
    changes = []
    for source, id_, fields in _PEOPLE:
        changes += _person(draw, syncs, (source, "people", id_), fields)
    for source, names in READS.items():
        for entity in (name for name in names if name in _FIELDS and name in entities):
            for number in range(draw(st.integers(2, 9))):
                changes += _life(draw, base, syncs, (source, entity, f"{entity}-{number}"))
    return changes


def _person(draw: Draw, syncs: int, key: tuple[str, str, str], fields: Mapping[str, Any]) -> list[Change]:
    """People are known from the first sync of their source; some move to another team, or leave."""
    fields = {**fields, "active": draw(st.sampled_from([None, True, True, False]))}
    changes = [Change(*key, 0, fields)]
    for sync in range(1, syncs):
        if draw(st.sampled_from([False, False, True])):
            edits = ({"team": "East"}, {"team": "South"}, {"team": None}, {"active": False}, {"active": True})
            fields = {**fields, **draw(st.sampled_from(edits))}
            changes.append(Change(*key, sync, fields))
    return changes


def _life(draw: Draw, base: date, syncs: int, key: tuple[str, str, str]) -> list[Change]:
    _, entity, _ = key
    fields = {name: draw(strategy) for name, strategy in _FIELDS[entity].items()}
    fields |= {name: draw(_instant(base)) for name in _INSTANTS[entity]}
    fields["updated_at"] = draw(st.none() | half_hours(base))
    first = draw(st.integers(0, syncs - 1))
    changes = [Change(*key, first, fields, rejected=draw(st.sampled_from([False] * 9 + [True])))]
    for sync in range(first + 1, syncs):
        kind = draw(st.sampled_from(["same", "edited", "edited", "edited", "reopened", "deleted"]))
        if changes[-1].deleted:
            if kind != "same":
                changes.append(Change(*key, sync, fields))
        elif kind == "deleted":
            changes.append(Change(*key, sync, fields, deleted=True))
        elif kind != "same":
            fields = fields | _edit(draw, base, entity, reopened=kind == "reopened")
            if fields["updated_at"] is not None:
                fields["updated_at"] += timedelta(hours=draw(st.sampled_from([-1, 0, 1, 30, 100])))
            changes.append(Change(*key, sync, fields, rejected=draw(st.sampled_from([False] * 9 + [True]))))
    return changes


def _edit(draw: Draw, base: date, entity: str, *, reopened: bool) -> dict[str, Any]:
    if reopened and entity in _REOPENED:
        return _REOPENED[entity]
    choices = {**_FIELDS[entity], **{name: _instant(base) for name in _INSTANTS[entity]}}
    state = sorted(choices.keys() & STATE.get(entity, ()))
    editable = state if state and draw(st.booleans()) else sorted(choices)
    names = draw(st.lists(st.sampled_from(editable), min_size=1, max_size=3, unique=True))
    return {name: draw(choices[name]) for name in names}


def _instant(base: date) -> st.SearchStrategy[datetime | None]:
    return st.one_of(st.none(), *[half_hours(base)] * 4)
