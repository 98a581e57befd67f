"""Which rows a query reads: the ones in the window, each with its owner and its rate where they matter."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.metrics.columns import ROW, instant_of
from exporter.metrics.exchange_rates import RATE_SPANS, RATES
from exporter.metrics.statement import END, START
from exporter.records import person_column

OWNERS = "o"
"""Alias of the table that says who stands behind an owner."""

OWNER_PERSONS = "metric_owner_persons"
"""Table of source, owner, person (a number): whose records an owner's are."""

OWNER_TEAMS = "metric_owner_teams"
"""Table of source, owner, team (a number), since, until: which team an owner's records count for, and when."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What metrics must share to be answered by one query: entity, time rule, scope and labels.

    `closes` is None for a flow. `folded` says for each label whether values beyond the kept ones fold.
    """

    entity: str
    opens: str
    closes: str | None = None
    scope: Scope = Scope.COMPANY
    by: tuple[str, ...] = ()
    folded: tuple[bool, ...] = ()

    @classmethod
    def of(cls, metric: Metric, scope: Scope = Scope.COMPANY, by: bool = False) -> Shape:
        """The shape of a metric at a scope, with its labels or without; only the company's value has labels."""
        labels = metric.by if by and scope is Scope.COMPANY else ()
        if metric.during is not None:
            return cls(metric.entity, metric.during.from_, metric.during.until, scope, labels)
        return cls(metric.entity, str(metric.at), None, scope, labels)

    @property
    def whole(self) -> Shape:
        """The same rows, not grouped."""
        return replace(self, scope=Scope.COMPANY, by=(), folded=())


def rows_of(shape: Shape, query: exp.Select) -> exp.Select:
    """Gives a query the rows of a shape: undeleted, dated, in the window; raises LookupError.

    Owners are joined where the scope asks for them, rates where the query speaks of one. Both hold at the
    row's instant, for a level at the window's end.
    """
    opens = instant_of(shape.entity, shape.opens)
    instant = opens if shape.closes is None else exp.Placeholder(this=END)
    query = query.from_(exp.to_table(shape.entity).as_(ROW))
    query = with_owner(shape, query, holds(OWNERS, instant))
    query = with_rate(query, holds(RATES, instant))
    return query.where(exp.not_(exp.column("deleted", ROW)), *_in_window(shape, opens))


def with_owner(shape: Shape, query: exp.Select, when: list[exp.Expr]) -> exp.Select:
    """Joins the person or, `when` the owner is in it, the team: rows that have none fall out."""
    if shape.scope is Scope.COMPANY:
        return query
    owner = person_column(shape.entity)
    if owner is None:
        raise AssertionError("asked only where records have an owner")
    pairs = (("source", "source"), ("owner", owner))
    same = [exp.column(ours, OWNERS).eq(exp.column(theirs, ROW)) for ours, theirs in pairs]
    if shape.scope is Scope.PERSON:
        return query.join(exp.to_table(OWNER_PERSONS).as_(OWNERS), on=exp.and_(*same))
    return query.join(exp.to_table(OWNER_TEAMS).as_(OWNERS), on=exp.and_(*same, *when))


def with_rate(query: exp.Select, when: list[exp.Expr]) -> exp.Select:
    """Joins the rate of the row's currency, where the query speaks of rates; NULL where there is none."""
    if all(column.table != RATES for column in query.find_all(exp.Column)):
        return query
    same = exp.column("currency", RATES).eq(exp.column("currency", ROW))
    spans = exp.to_table(RATE_SPANS).as_(RATES)
    return query.join(spans, on=exp.and_(same, *when), join_type="left")


def holds(span: str, instant: exp.Expr) -> list[exp.Expr]:
    """True where an instant lies in a span of a joined table."""
    return [
        exp.LTE(this=exp.column("since", span), expression=instant.copy()),
        exp.GT(this=exp.column("until", span), expression=instant.copy()),
    ]


def _in_window(shape: Shape, opens: exp.Expr) -> list[exp.Expr]:
    start, end = exp.Placeholder(this=START), exp.Placeholder(this=END)
    if shape.closes is None:
        return [exp.GTE(this=opens.copy(), expression=start), exp.LT(this=opens.copy(), expression=end)]
    closes = instant_of(shape.entity, shape.closes)
    alive = exp.or_(closes.copy().is_(exp.null()), exp.GT(this=closes, expression=end.copy()))
    return [exp.LTE(this=opens.copy(), expression=end), alive]
