"""SOQL for one object: what may be selected, and pages by (SystemModstamp, Id).

SystemModstamp moves with every change, automation's too, but it is not unique: a bulk update stamps thousands of
rows alike. So pages go on behind the last stamp and id, and nothing is skipped or read for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from exporter.errors import Reason, SourceRejectedError

ROWS = 2000

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


@dataclass(frozen=True, slots=True)
class Object:
    """An object of Salesforce: fields that must be readable, and fields that are taken where the org has them."""

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()
    deletable: bool = True

    def fields(self, readable: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
        """What to select. Asking for a field that the org has not is an error of the whole query.

        Raises SourceRejectedError(FORBIDDEN) naming the fields that the user may not read.
        """
        there = frozenset(readable)
        deleted = ("IsDeleted",) if self.deletable else ()
        needed = ("Id", "SystemModstamp", *deleted, *self.needed, *wanted)
        if missing := [field for field in needed if field not in there]:
            text = f"{self.name}: the user may not read {', '.join(missing)}: grant it in a permission set"
            raise SourceRejectedError(Reason.FORBIDDEN, text)
        return tuple(dict.fromkeys([*needed, *(field for field in self.optional if field in there)]))


OBJECTS: Mapping[str, Object] = MappingProxyType(
    {
        "deals": Object(
            "Opportunity",
            ("StageName", "IsClosed", "IsWon", "OwnerId", "CreatedDate", "CloseDate"),
            ("Name", "Amount", "CurrencyIsoCode", "Type", "AccountId", "LeadSource"),
        ),
        "leads": Object("Lead", ("Status", "IsConverted", "OwnerId", "CreatedDate"), ("ConvertedDate", "LeadSource")),
        "activities": Object(
            "Task",
            ("Status", "IsClosed", "OwnerId", "CreatedDate"),
            ("TaskSubtype", "ActivityDate", "CompletedDateTime"),
        ),
        "tickets": Object(
            "Case", ("Status", "IsClosed", "OwnerId", "CreatedDate"), ("Origin", "Priority", "ClosedDate")
        ),
        "people": Object("User", ("Name", "IsActive"), ("Email", "Department", "ManagerId"), deletable=False),
    }
)


@dataclass(frozen=True, slots=True)
class Mark:
    """The last row read: its stamp and id."""

    stamp: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Span:
    """Stamps from `since` on, behind `after` where rows were read, before `until` where a query took too long."""

    since: datetime | None = None
    after: Mark | None = None
    until: datetime | None = None


def select(entity: str, fields: Iterable[str], span: Span) -> str:
    """The query of one page. Only checked names, ids and instants of our own are in it."""
    conditions = list(_conditions(span))
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f"ORDER BY SystemModstamp, Id LIMIT {ROWS}"
    return f"SELECT {', '.join(fields)} FROM {OBJECTS[entity].name}{where} {order}"  # noqa: S608


def _conditions(span: Span) -> Iterable[str]:
    if span.after is not None:
        if not _ID.fullmatch(span.after.id):
            raise SourceRejectedError(Reason.SCHEMA, "a row has an id that is none of Salesforce's")
        stamp = literal(span.after.stamp)
        yield f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{span.after.id}'))"
    elif span.since is not None:
        yield f"SystemModstamp >= {literal(span.since)}"
    if span.until is not None:
        yield f"SystemModstamp < {literal(span.until)}"


def literal(at: datetime) -> str:
    """An instant as SOQL writes it: unquoted, in milliseconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
