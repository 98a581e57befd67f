"""Which rows a query reads: those in the window, joined with their owner and exchange rate if required."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.metrics.as_of import AsOf
from exporter.metrics.columns import END, ROW, START, instant_of
from exporter.metrics.connection import Reader
from exporter.metrics.exchange_rates import RATE_SPANS, RATES
from exporter.metrics.row_versions import VALID_FROM, all_versions, valid_at
from exporter.metrics.values import Window, stored
from exporter.records import person_column

OWNERS = "o"
"""Alias of the table with the person or team of an owner."""

OWNER_PERSONS = "metric_owner_persons"
"""Table of source, owner, person (a number): whose records an owner's are."""

OWNER_TEAMS = "metric_owner_teams"
"""Table of source, owner, team (a number), since, until: the team that an owner's records count for, and when."""

_NO_PARAMETERS: Mapping[str, object] = MappingProxyType({})


def to_sql(tree: exp.Expr, dialect: str = "duckdb") -> str:
    """The SQL of a syntax tree. Every name is quoted: some of our columns are SQL keywords."""
    return tree.sql(dialect=dialect, identify=True)


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A query that can be executed for any window."""

    sql: str
    parameters: frozenset[str]

    @classmethod
    def of(cls, tree: exp.Expr) -> PreparedStatement:
        """The statement of a syntax tree."""
        placeholders = tree.find_all(exp.Placeholder)
        return cls(to_sql(tree), frozenset(str(placeholder.this) for placeholder in placeholders))

    def fetch(
        self, reader: Reader, window: Window, parameters: Mapping[str, object] = _NO_PARAMETERS
    ) -> list[tuple[Any, ...]]:
        """All rows for a window; `parameters` are bound besides its bounds. Raises QueryError."""
        values = {START: stored(window.start), END: stored(window.end), **parameters}
        return reader.execute(self.sql, {name: values[name] for name in self.parameters}).fetchall()


@dataclass(frozen=True, slots=True)
class QueryShape:
    """What metrics must share to be answered by one query: entity, time rule, scope and labels.

    `closes` is None for a flow. `folded` says for each label whether values fold that are not retained. `as_it_was`
    reads the versions of rows that were valid at the end of the window, instead of the current rows.
    """

    entity: str
    opens: str
    closes: str | None = None
    scope: Scope = Scope.COMPANY
    by: tuple[str, ...] = ()
    folded: tuple[bool, ...] = ()
    as_it_was: bool = False

    @classmethod
    def of(cls, metric: Metric, scope: Scope = Scope.COMPANY, by: bool = False) -> QueryShape:
        """The shape of a metric at a scope, with or without its labels; only the company's value has labels."""
        labels = metric.by if by and scope is Scope.COMPANY else ()
        if metric.during is not None:
            return cls(metric.entity, metric.during.from_, metric.during.until, scope, labels)
        return cls(metric.entity, str(metric.at), None, scope, labels)

    @property
    def as_of(self) -> AsOf:
        """How the columns of the rows read as of the end of the window."""
        return AsOf(self.entity, self.opens, self.closes is not None, exp.Placeholder(this=END))

    @property
    def group_count(self) -> int:
        """How many columns identify a group."""
        return len(self.by) if self.scope is Scope.COMPANY else 1

    @property
    def ungrouped(self) -> QueryShape:
        """The same rows without groups."""
        return replace(self, scope=Scope.COMPANY, by=(), folded=())


def row_source(shape: QueryShape) -> exp.Expr:
    """What a query selects the rows of a shape from, by the alias ROW."""
    return all_versions(shape.entity) if shape.as_it_was else exp.to_table(shape.entity).as_(ROW)


def rows_of(shape: QueryShape, query: exp.Select) -> exp.Select:
    """Adds the rows of a shape to a query: dated, in the window and not deleted; raises LookupError.

    Owners are joined if the scope requires them, rates if the query refers to them, both as of the row's instant or,
    for a level, as of the end of the window.
    """
    end = exp.Placeholder(this=END)
    instant = instant_of(shape.entity, shape.opens) if shape.closes is None else end
    query = query.from_(row_source(shape))
    query = with_owner(shape, query, within_span(OWNERS, instant))
    query = with_rate(query, within_span(RATES, instant))
    valid = valid_at(end) if shape.as_it_was else ()
    return query.where(exp.not_(exp.column("deleted", ROW)), *valid).where(*in_window(shape))


def in_window(shape: QueryShape) -> tuple[exp.Expr, exp.Expr]:
    """Conditions that choose the rows in the window, by the instants that are stored; raises LookupError."""
    opens, end = instant_of(shape.entity, shape.opens), exp.Placeholder(this=END)
    if shape.closes is None:
        since = exp.GTE(this=opens.copy(), expression=exp.Placeholder(this=START))
        return since, exp.LT(this=opens, expression=end)
    closes = instant_of(shape.entity, shape.closes)
    is_open = exp.or_(closes.copy().is_(exp.null()), exp.GT(this=closes, expression=end.copy()))
    return exp.LTE(this=opens, expression=end), is_open


def has_changed_since(reader: Reader, shape: QueryShape, window: Window) -> bool:
    """True if a row of an ungrouped shape became what it is after the end of the window. Raises QueryError.

    Otherwise each row was already at the end of the window what it is now.
    """
    return bool(_changed_since(shape).fetch(reader, window))


@lru_cache(maxsize=64)
def _changed_since(shape: QueryShape) -> PreparedStatement:
    query = rows_of(shape, exp.select(exp.Literal.number(1)))
    later = exp.GT(this=exp.column(VALID_FROM, ROW), expression=exp.Placeholder(this=END))
    return PreparedStatement.of(query.where(later).limit(1))


def with_owner(shape: QueryShape, query: exp.Select, during: list[exp.Expr]) -> exp.Select:
    """Joins the person or, under the conditions `during`, the team; rows without one are dropped."""
    if shape.scope is Scope.COMPANY:
        return query
    owner = person_column(shape.entity)
    if owner is None:
        raise AssertionError("only records with an owner have this scope")
    pairs = (("source", "source"), ("owner", owner))
    conditions = [exp.column(name, OWNERS).eq(exp.column(column, ROW)) for name, column in pairs]
    if shape.scope is Scope.PERSON:
        return query.join(exp.to_table(OWNER_PERSONS).as_(OWNERS), on=exp.and_(*conditions))
    return query.join(exp.to_table(OWNER_TEAMS).as_(OWNERS), on=exp.and_(*conditions, *during))


def with_rate(query: exp.Select, during: list[exp.Expr]) -> exp.Select:
    """Joins the rate of the row's currency if the query refers to rates; NULL if none is known."""
    if all(column.table != RATES for column in query.find_all(exp.Column)):
        return query
    same_currency = exp.column("currency", RATES).eq(exp.column("currency", ROW))
    spans = exp.to_table(RATE_SPANS).as_(RATES)
    return query.join(spans, on=exp.and_(same_currency, *during), join_type="left")


def within_span(table: str, instant: exp.Expr) -> list[exp.Expr]:
    """Conditions that are true if an instant is in [since, until) of a joined table."""
    return [
        exp.LTE(this=exp.column("since", table), expression=instant.copy()),
        exp.GT(this=exp.column("until", table), expression=instant.copy()),
    ]
