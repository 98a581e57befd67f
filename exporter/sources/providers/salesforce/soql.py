"""SOQL for one object: the fields to select, and pages by (SystemModstamp, Id).

SystemModstamp moves with every change, including automated ones, but it is not unique: a bulk update gives thousands
of rows the same stamp. So each page starts after the last stamp and id, which skips no row and repeats none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from exporter.errors import Reason, SourceRejectedError
from exporter.sources.cursor import StoredPosition

ROWS = 2000

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


@dataclass(frozen=True, slots=True)
class SalesforceObject:
    """An object of Salesforce: fields that must be readable, and fields that are read if the org has them."""

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()
    deletable: bool = True

    def fields(self, readable: Iterable[str], extra: Iterable[str]) -> tuple[str, ...]:
        """The fields to select; a query that selects a field that the org does not have fails.

        Raises SourceRejectedError(FORBIDDEN) naming the fields that the user may not read.
        """
        available = frozenset(readable)
        deleted = ("IsDeleted",) if self.deletable else ()
        needed = ("Id", "SystemModstamp", *deleted, *self.needed, *extra)
        if missing := [field for field in needed if field not in available]:
            text = f"{self.name}: the user may not read {', '.join(missing)}: grant it in a permission set"
            raise SourceRejectedError(Reason.FORBIDDEN, text)
        return tuple(dict.fromkeys([*needed, *(field for field in self.optional if field in available)]))


OBJECTS: Mapping[str, SalesforceObject] = MappingProxyType(
    {
        "deals": SalesforceObject(
            "Opportunity",
            ("StageName", "IsClosed", "IsWon", "OwnerId", "CreatedDate", "CloseDate"),
            ("Name", "Amount", "CurrencyIsoCode", "Type", "AccountId", "LeadSource"),
        ),
        "leads": SalesforceObject(
            "Lead", ("Status", "IsConverted", "OwnerId", "CreatedDate"), ("ConvertedDate", "LeadSource")
        ),
        "activities": SalesforceObject(
            "Task",
            ("Status", "IsClosed", "OwnerId", "CreatedDate"),
            ("TaskSubtype", "ActivityDate", "CompletedDateTime"),
        ),
        "tickets": SalesforceObject(
            "Case", ("Status", "IsClosed", "OwnerId", "CreatedDate"), ("Origin", "Priority", "ClosedDate")
        ),
        "people": SalesforceObject("User", ("Name", "IsActive"), ("Email", "Department", "ManagerId"), deletable=False),
    }
)


@dataclass(frozen=True, slots=True)
class LastRow(StoredPosition):
    """Stamp and id of the last row read."""

    stamp: datetime
    id: str


@dataclass(frozen=True, slots=True)
class StampRange:
    """Stamps from `since` on, or after the last row read, and before `until` if the whole query took too long."""

    since: datetime | None = None
    after: LastRow | None = None
    until: datetime | None = None


def select(entity: str, fields: Iterable[str], stamps: StampRange) -> str:
    """The query of one page. It contains only validated names and ids, and formatted times.

    Raises SourceRejectedError(SCHEMA) if the last row's id is not a Salesforce id.
    """
    conditions = []
    if stamps.after is not None:
        if not _ID.fullmatch(stamps.after.id):
            raise SourceRejectedError(Reason.SCHEMA, "a row has an id that is not one of Salesforce's")
        stamp = literal(stamps.after.stamp)
        conditions.append(f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{stamps.after.id}'))")
    elif stamps.since is not None:
        conditions.append(f"SystemModstamp >= {literal(stamps.since)}")
    if stamps.until is not None:
        conditions.append(f"SystemModstamp < {literal(stamps.until)}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f"ORDER BY SystemModstamp, Id LIMIT {ROWS}"
    return f"SELECT {', '.join(fields)} FROM {OBJECTS[entity].name}{where} {order}"  # noqa: S608


def literal(at: datetime) -> str:
    """An instant in SOQL's format: unquoted, in milliseconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
