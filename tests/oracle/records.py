"""Generated lives of records: every record with its states, which appear one after the other as the world syncs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.oracle.companies import Draw
from tests.oracle.freshness import READS
from tests.oracle.history import STATE

PEOPLE: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("crm", "1", {"name": "Ann", "email": "ann@x.io", "team": "North"}),
    ("crm", "2", {"name": "Bob", "email": "bob@x.io", "team": "South"}),
    ("crm", "3", {"name": "Cleo", "email": "cleo@x.io", "team": None}),
)
OWNERS = ("1", "2", "ann@x.io", "bob", "CLEO", "zed", None)


@dataclass(frozen=True)
class Change:
    """A state of a record that a source shows from a sync on."""

    source: str
    entity: str
    id: str
    sync: int
    fields: Mapping[str, Any]
    deleted: bool = False


def _text(*values: str | None) -> st.SearchStrategy[Any]:
    return st.sampled_from([*values, None])


_AMOUNTS = st.none() | st.integers(-50_000, 200_000).map(lambda cents: Decimal(cents) / 100)
_CURRENCIES = st.sampled_from([None, "", "EUR", "EUR", "USD", "JPY", "XXX"])
_FIELDS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "deals": {
        "status": st.sampled_from(["open", "won", "won", "lost"]), "stage": _text("a", "b", ""), "amount": _AMOUNTS,
        "currency": _CURRENCIES, "owner": st.sampled_from(OWNERS),
        "attributes": st.fixed_dictionaries(
            {}, optional={"Deal Type": st.sampled_from(["n", "u"]), "size": st.sampled_from(["1", "2.5", "x"])}
        ),
    },
    "leads": {
        "status": st.sampled_from(["new", "working", "qualified", "converted", "converted", "lost"]),
        "owner": st.sampled_from(OWNERS),
    },
    "tickets": {
        "status": st.sampled_from(["open", "pending", "solved", "closed"]), "priority": _text("high", "low"),
        "agent": st.sampled_from(OWNERS),
    },
    "invoices": {
        "status": st.sampled_from(["draft", "open", "paid", "void"]), "amount": _AMOUNTS, "currency": _CURRENCIES,
    },
    "calls": {
        "status": st.sampled_from(["answered", "missed"]), "agent": st.sampled_from(OWNERS),
        "talk_seconds": st.sampled_from([None, 30.0, 95.5]), "resolved": st.sampled_from([None, True, False]),
    },
    "measurements": {"name": _text("visits", "visits", "spend"), "value": st.sampled_from([None, 1.0, 40.0, 1000.0])},
}  # fmt: skip
_INSTANTS = {
    "deals": ("created_at", "closed_at"),
    "leads": ("created_at", "qualified_at", "converted_at"),
    "tickets": ("created_at", "first_reply_at", "solved_at"),
    "invoices": ("issued_at", "due_at", "paid_at"),
    "calls": ("started_at",),
    "measurements": ("at",),
}


def hours(base: date) -> st.SearchStrategy[datetime]:
    """Whole hours around a date, mostly near, some last month, few last year."""
    start = datetime.combine(base, time(), UTC)
    near, far = st.integers(-8 * 24, 10 * 24), st.integers(-45 * 24, 30 * 24)
    year = st.integers(-370 * 24, -360 * 24)
    return st.one_of(near, near, near, far, year).map(lambda hour: start + timedelta(hours=hour))


@st.composite
def lives(draw: Draw, base: date, syncs: int) -> list[Change]:
    """Changes of all records over a number of syncs; people are known from the first, and move from team to team."""
    changes = [change for source, id_, fields in PEOPLE for change in _career(draw, syncs, (source, id_), fields)]
    for source, entities in READS.items():
        for entity in set(entities) & _FIELDS.keys():
            for number in range(draw(st.integers(0, 6))):
                changes += _life(draw, base, syncs, (source, entity, f"{entity}-{number}"))
    return changes


def _career(draw: Draw, syncs: int, key: tuple[str, str], fields: Mapping[str, Any]) -> Iterator[Change]:
    source, id_ = key
    for sync in range(syncs):
        if sync == 0 or draw(st.sampled_from([False, False, True])):
            fields = fields if sync == 0 else {**fields, "team": draw(st.sampled_from(["North", "South", None]))}
            yield Change(source, "people", id_, sync, fields)


def _life(draw: Draw, base: date, syncs: int, key: tuple[str, str, str]) -> list[Change]:
    _, entity, _ = key
    fields = {name: draw(strategy) for name, strategy in _FIELDS[entity].items()}
    fields |= {name: draw(_instant(base)) for name in _INSTANTS[entity]}
    first = draw(st.integers(0, syncs - 1))
    changes = [Change(*key, first, fields)]
    for sync in range(first + 1, syncs):
        kind = draw(st.sampled_from(["same", "same", "edited", "edited", "deleted"]))
        if kind == "deleted":
            return [*changes, Change(*key, sync, fields, deleted=True)]
        if kind == "edited":
            fields = fields | _edit(draw, base, entity)
            changes.append(Change(*key, sync, fields))
    return changes


def _edit(draw: Draw, base: date, entity: str) -> dict[str, Any]:
    editable = [name for name in (*_FIELDS[entity], *_INSTANTS[entity]) if name not in STATE.get(entity, ())]
    names = draw(st.sets(st.sampled_from(editable), min_size=1, max_size=3))
    choices = {**_FIELDS[entity], **{name: _instant(base) for name in _INSTANTS[entity]}}
    return {name: draw(choices[name]) for name in sorted(names)}


def _instant(base: date) -> st.SearchStrategy[datetime | None]:
    return st.one_of(st.none(), *[hours(base)] * 4)
