"""Records of people, which are merged into humans.

Records with the same email are one human. A record without an email belongs to the human of its name if there is
exactly one. Records of a name that goes with no email or with several are one human together.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from sqlglot import exp

from exporter.metrics.connection import Reader
from exporter.metrics.label_values import MAX_LABEL_LENGTH, label_value
from exporter.metrics.row_versions import VALID_UNTIL, all_versions
from exporter.metrics.values import FIRST, LAST

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
"""One address without a name, comment or quotes, so that it cannot name further recipients in a header."""


def _is_address(text: str) -> bool:
    """True if a label can hold it unchanged, too."""
    return len(text) <= MAX_LABEL_LENGTH and _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class EarlierState:
    """What a source said about a person until an instant."""

    until: datetime
    team: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True, order=True)
class PersonRecord:
    """One record of a person in a source; empty text for missing fields. `earlier` has its earlier states in order."""

    source: str
    id: str
    name: str = ""
    email: str = ""
    team: str = ""
    active: bool = True
    earlier: tuple[EarlierState, ...] = ()

    def at(self, instant: datetime) -> PersonRecord | EarlierState:
        """The state in which the record was at an instant; before the first one the first."""
        return next((state for state in self.earlier if instant < state.until), self)


@dataclass(frozen=True, slots=True)
class Human:
    """All records of one person, the first listed first, and the label of their series."""

    records: tuple[PersonRecord, ...]
    label: str

    def team(self, at: datetime) -> str | None:
        """The team in the first record that has one at an instant."""
        return next((state.team for state in self._states(at) if state.team), None)

    def active(self, at: datetime) -> bool:
        """False if every record is deleted, or inactive at an instant."""
        return any(state.active for state in self._states(at))

    @property
    def email(self) -> str | None:
        """The one address that a mail to them goes to; None if no record has one that is exactly one address."""
        return next((record.email for record in self.records if _is_address(record.email)), None)

    @property
    def changes(self) -> tuple[datetime, ...]:
        """The beginning of time, and every instant at which the team or activity may change, in order."""
        return tuple(sorted({FIRST, *(state.until for record in self.records for state in record.earlier)}))

    @property
    def absences(self) -> tuple[tuple[datetime, datetime], ...]:
        """The spans [since, until) in which nobody lists the person as active."""
        return tuple(span for span in pairwise([*self.changes, LAST]) if not self.active(span[0]))

    def _states(self, at: datetime) -> list[PersonRecord | EarlierState]:
        return [record.at(at) for record in self.records]


def load_records(reader: Reader, sources: Sequence[str]) -> list[PersonRecord]:
    """Everyone whom the sources ever listed: those not deleted and active first, then in the order of the sources.

    Raises QueryError.
    """
    ranks = {name: rank for rank, name in enumerate(sources)}
    rows = reader.execute(_versions_query()).fetchall()
    histories = [list(versions) for _, versions in groupby(rows, key=itemgetter(0, 1))]

    def rank(versions: Sequence[Sequence[Any]]) -> tuple[object, ...]:
        source, id_, *_, active, deleted, _ = versions[-1]
        return deleted, active is False, ranks.get(source, len(ranks)), source, id_

    return list(map(_record, sorted(histories, key=rank)))


@cache
def _versions_query() -> str:
    """Every version of every record, those of one record together and in order."""
    names = ("source", "id", "name", "email", "team", "active", "deleted", VALID_UNTIL)
    query = exp.select(*map(exp.column, names)).from_(all_versions("people"))
    order = [exp.Ordered(this=exp.column(name), nulls_first=False) for name in ("source", "id", VALID_UNTIL)]
    return query.order_by(*order).sql(dialect="duckdb", identify=True)


def _record(versions: Sequence[Sequence[Any]]) -> PersonRecord:
    """The record with these versions, of which the last is the current one. A deleted record is at no time active."""
    source, id_, name, email, _, _, deleted, _ = versions[-1]
    states = [
        EarlierState(
            LAST if until is None else until.replace(tzinfo=UTC),
            label_value((team or "").strip()),
            active is not False and not deleted,
        )
        for _, _, _, _, team, active, _, until in versions
    ]
    team = states[-1].team
    name, email = ((text or "").strip() for text in (name, email))
    return PersonRecord(source, id_, label_value(name), email, team, states[-1].active, tuple(states[:-1]))


def merge_records(records: Iterable[PersonRecord]) -> tuple[Human, ...]:
    """Every human once, in the order in which they are first listed. Labels are unique."""
    by_email: dict[str, list[tuple[int, PersonRecord]]] = {}
    without_email: dict[str, list[tuple[int, PersonRecord]]] = {}
    emails_by_name: dict[str, set[str]] = defaultdict(set)
    for number, record in enumerate(records):
        key = (record.email or record.name or f"{record.source}\n{record.id}").casefold()
        (by_email if record.email else without_email).setdefault(key, []).append((number, record))
        if record.email:
            emails_by_name[record.name.casefold()].add(key)
    groups = dict(by_email)
    for key, group in without_email.items():
        emails = emails_by_name[key] if group[0][1].name else set()
        if len(emails) == 1:
            (email,) = emails
            groups[email] = groups[email] + group
        else:
            groups[f"\n{key}"] = group
    ordered = sorted(sorted(group) for group in groups.values())
    return _labelled([[record for _, record in group] for group in ordered])


def _labelled(groups: Sequence[Sequence[PersonRecord]]) -> tuple[Human, ...]:
    """Labels each human by name: with the email if the name is shared, with the id if that is not unique either."""
    names = [label_value(next((r.name for r in group if r.name), group[0].email or group[0].id)) for group in groups]
    counts = Counter(name.casefold() for name in names)
    labels: set[str] = set()
    humans = []
    for group, name in zip(groups, names, strict=True):
        email = next((record.email for record in group if record.email), "")
        label = label_value(f"{name} ({email})" if counts[name.casefold()] > 1 and email and email != name else name)
        label = label_value(f"{label} ({group[0].source} {group[0].id})") if label in labels else label
        labels.add(label)
        humans.append(Human(tuple(group), label))
    return tuple(humans)
