"""Why the result of a sealed period changed: what happened to the records that count in it.

A record that is new is late. One that is deleted now was deleted. One that counts in the window now but did not
before, or the other way round, by its instants alone, is dated otherwise. Any other change is an edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.ledger.closing import Basis
from exporter.ledger.reach import KNOWN, after_known
from exporter.metrics.as_of import AsOf
from exporter.metrics.columns import END, ROW, START, QueryContext
from exporter.metrics.conditions import filter_of
from exporter.metrics.connection import Reader
from exporter.metrics.people import Directory
from exporter.metrics.query import MetricKey
from exporter.metrics.rows import QueryShape, in_window, to_sql
from exporter.metrics.values import FIRST, Window, stored
from exporter.records import ColumnKind, column, person_column
from exporter.seals import Cause, PeriodLook, ResultKey
from exporter.store.schema import versions_table

_STRENGTH = {cause: number for number, cause in enumerate(Cause)}


def strongest(causes: Iterable[Cause]) -> Cause | None:
    """The cause to report of several; None if there is none."""
    return min(causes, key=_STRENGTH.__getitem__, default=None)


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What happened to records that count, or counted, in a window, and whose they are, or were.

    `counted` is False if `where` excludes the records both now and as they were.
    """

    cause: Cause
    counted: bool
    window: Window
    source: str
    owners: frozenset[str]


@dataclass(frozen=True, slots=True)
class RecordChanges:
    """The changes of records that became known after `since`, as far as they concern the windows of a result."""

    reader: Reader
    config: Config
    basis: Basis
    since: datetime | None

    def read(self) -> Sequence[RecordChange]:
        """All changes; if `where` selects some of the records, those alone. Raises QueryError."""
        changes = [change for name, window in self.basis for change in self._of(name, window)]
        counted = [change for change in changes if change.counted]
        return counted or changes

    def _of(self, name: str, window: Window) -> Iterator[RecordChange]:
        config, metric = self.config, self.config.metric_by_name[name]
        sources = {source.name for source in config.sources_of(metric)}
        context = QueryContext(config.company.currency, converts=False, zone=config.company.timezone)
        values = {KNOWN: stored(self.since or FIRST), START: stored(window.start), END: stored(window.end)}
        sql, names = _statement(MetricKey(metric), context)
        rows = self.reader.execute(sql, {name: values[name] for name in names}).fetchall()
        for cause, counted, source, *owners in rows:
            if source in sources:
                yield RecordChange(Cause(cause), counted, window, source, frozenset(o for o in owners if o))


@dataclass(slots=True)
class Causes:
    """Why results of one period differ at one look from the previous one. It reads records only if one does."""

    previous: PeriodLook
    current: PeriodLook
    changes: RecordChanges
    directory: Directory
    people_changed: bool
    _read: Sequence[RecordChange] | None = field(default=None, init=False)

    def of(self, key: ResultKey) -> Cause:
        """The cause of one result's change, the strongest if there are several. Raises QueryError.

        If no change of a record concerns a team or a person directly, it is a change of people, else what concerned
        others.
        """
        if self.current.definition_digest != self.previous.definition_digest:
            return Cause.DEFINITION
        if self.current.target_digest != self.previous.target_digest:
            return Cause.TARGET
        if self._read is None:
            self._read = self.changes.read()
        own = strongest(change.cause for change in self._read if _concerns(key, change, self.directory))
        if own is None and self.people_changed and key.scope is not Scope.COMPANY:
            return Cause.EDITED
        return own or strongest(change.cause for change in self._read) or Cause.OTHER


def _concerns(key: ResultKey, change: RecordChange, directory: Directory) -> bool:
    if key.scope is Scope.COMPANY:
        return True
    owners = (directory.owner(change.source, owner) for owner in change.owners)
    persons = [person for person in owners if person is not None]
    if key.scope is Scope.PERSON:
        return any(directory.label(person) == key.name for person in persons)
    return any(
        span.team == key.name and span.since < change.window.end and span.until > change.window.start
        for person in persons
        for span in directory.spans(person)
    )


@lru_cache(maxsize=256)
def _statement(key: MetricKey, context: QueryContext) -> tuple[str, frozenset[str]]:
    """One row for each cause, source, present and former owner, and the parameters of the query."""
    metric = key.metric
    present = _rows(metric, context, metric.entity, after_known(exp.column("known_from", ROW)))
    was_known = exp.or_(
        exp.column("known_from", ROW).is_(exp.null()),
        exp.LTE(this=exp.column("known_from", ROW), expression=exp.Placeholder(this=KNOWN)),
    )
    replaced = exp.and_(after_known(exp.column("known_until", ROW)), was_known)
    former = _rows(metric, context, versions_table(metric.entity), replaced)
    columns = [exp.column(name, "present") for name in ("source", "owner")]
    query = (
        exp.select(_cause(), _either("counted"), *columns, exp.column("owner", "former"))
        .from_(present.subquery("present"))
        .join(former.subquery("former"), using=["source", "id"], join_type="left")
        .where(_either("dated"))
        .distinct()
    )
    return to_sql(query), frozenset(str(placeholder.this) for placeholder in query.find_all(exp.Placeholder))


def _cause() -> exp.Expr:
    was_there = exp.Coalesce(this=exp.not_(exp.column("deleted", "former")), expressions=[exp.false()])
    moved = exp.NEQ(this=exp.column("dated", "present"), expression=exp.column("dated", "former"))
    return (
        exp.Case()
        .when(exp.not_(was_there), exp.Literal.string(Cause.LATE.value))
        .when(exp.column("deleted", "present"), exp.Literal.string(Cause.DELETED.value))
        .when(moved, exp.Literal.string(Cause.REDATED.value))
        .else_(exp.Literal.string(Cause.EDITED.value))
    )


def _either(name: str) -> exp.Expr:
    flags = (exp.Coalesce(this=exp.column(name, table), expressions=[exp.false()]) for table in ("present", "former"))
    return exp.or_(*flags)


def _rows(metric: Metric, context: QueryContext, table: str, changed: exp.Expr) -> exp.Select:
    """Rows of a table with their owner: `dated` if they are in the window, `counted` if `where` holds as well."""
    owner = person_column(metric.entity)
    conditions = (exp.not_(exp.column("deleted", ROW)), *in_window(QueryShape.of(metric)))
    dated = exp.Coalesce(this=exp.and_(*conditions), expressions=[exp.false()])
    where = {name: rule for name, rule in metric.where.items() if not _is_money(metric.entity, name)}
    counts = filter_of(where, AsOf.end_of_window(metric), context).keep
    columns = {
        "owner": exp.column(owner, ROW) if owner is not None else exp.null(),
        "dated": dated,
        "counted": dated.copy() if counts is None else exp.and_(dated.copy(), counts),
    }
    names = [exp.column(name, ROW) for name in ("source", "id", "deleted")]
    query = exp.select(*names, *(exp.alias_(tree, name) for name, tree in columns.items()))
    return query.from_(exp.to_table(table).as_(ROW)).where(changed)


def _is_money(entity: str, name: str) -> bool:
    definition = column(entity, name)
    return definition is not None and definition.kind is ColumnKind.MONEY
