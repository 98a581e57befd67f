"""How the columns of a row read as of an instant: what has not happened by then is empty, and its status is earlier.

An instant has happened if it is before the end of a flow's window, or at the latest at the instant of a level. Rows
are selected by the stored columns; this module decides what their other columns say.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlglot import exp

from exporter.config.metrics import Metric, span_of
from exporter.metrics.columns import END, Operand, instant_of, operand
from exporter.metrics.spans import seconds_between
from exporter.records import STATUS_STEPS, ColumnHistory, ColumnKind, StatusStep, history_of

_STATUS = "status"


@dataclass(frozen=True, slots=True)
class AsOf:
    """The columns of an entity's rows as of `instant`.

    `opens` is the instant by which rows are selected: it has happened. `level` says whether an event at the very
    instant has happened.
    """

    entity: str
    opens: str
    level: bool
    instant: exp.Expr

    @classmethod
    def end_of_window(cls, metric: Metric) -> AsOf:
        """As of the end of the window over which a metric is measured."""
        opens = metric.during.from_ if metric.during is not None else str(metric.at)
        return cls(metric.entity, opens, metric.is_level, exp.Placeholder(this=END))

    def operand(self, name: str) -> Operand:
        """The column of that name; raises LookupError if the entity has none."""
        field = operand(self.entity, name)
        if history_of(self.entity, name) is not ColumnHistory.IMPLIED:
            return field
        if name == _STATUS:
            return Operand(name, self._status(field.tree), field.kind)
        if name == self.opens:
            return field
        return Operand(name, exp.Case().when(self._happened(name), field.tree), field.kind)

    def measured(self, text: str, zone: ZoneInfo) -> Operand:
        """What a metric aggregates: a column, or the seconds between two instants of a row; raises LookupError."""
        span = span_of(text)
        if span is None:
            return self.operand(text)
        later, earlier = (instant_of(self.entity, name) for name in span)
        return Operand(text, self._after(span, seconds_between(later, earlier, zone)), ColumnKind.SECONDS)

    def elapsed(self, text: str) -> exp.Expr | None:
        """Empty where the seconds between two instants are, and faster to compute; None for a column."""
        span = span_of(text)
        if span is None:
            return None
        later, earlier = (instant_of(self.entity, name) for name in span)
        return self._after(span, exp.Paren(this=exp.Sub(this=later, expression=earlier)))

    def _after(self, names: tuple[str, str], tree: exp.Expr) -> exp.Expr:
        """The expression, empty until the events of both columns have happened."""
        events = [event for name in names for event in self.events_read(name)]
        return exp.Case().when(exp.and_(*map(self._happened, events)), tree) if events else tree

    def events_read(self, name: str) -> tuple[str, ...]:
        """The columns of instants that change what the column of that name reads as when they happen."""
        if history_of(self.entity, name) is not ColumnHistory.IMPLIED:
            return ()
        events = tuple(step.event for step in STATUS_STEPS[self.entity]) if name == _STATUS else (name,)
        return tuple(event for event in events if event != self.opens)

    def _status(self, stored: exp.Expr) -> exp.Expr:
        """The stored status, unless an event that leads to it is still to come: then the status before that event.

        An event without an instant implies nothing.
        """
        steps = STATUS_STEPS[self.entity]
        case = exp.Case()
        for step in reversed(steps[1:]):
            case = case.when(exp.and_(_reached(step, stored), self._happened(step.event)), stored.copy())
        if steps[0].event != self.opens:
            case = case.when(self._awaits(steps[0], stored), exp.Literal.string(steps[0].before))
        for earlier, step in pairwise(steps):
            if step.event != self.opens:
                never = operand(self.entity, earlier.event).tree.is_(exp.null())
                before = exp.Case().when(never, exp.Literal.string(earlier.before))
                case = case.when(self._awaits(step, stored), before.else_(exp.Literal.string(step.before)))
        return case.else_(stored.copy()) if case.args.get("ifs") else stored

    def _awaits(self, step: StatusStep, stored: exp.Expr) -> exp.Expr:
        return exp.and_(_reached(step, stored), self._compared(step.event, exp.GT if self.level else exp.GTE))

    def _happened(self, name: str) -> exp.Expr:
        return self._compared(name, exp.LTE if self.level else exp.LT)

    def _compared(self, name: str, comparison: type[exp.Binary]) -> exp.Expr:
        return comparison(this=operand(self.entity, name).tree, expression=self.instant.copy())


def _reached(step: StatusStep, stored: exp.Expr) -> exp.Expr:
    literals = [exp.Literal.string(status) for status in step.reached]
    if len(literals) == 1:
        return exp.EQ(this=stored.copy(), expression=literals[0])
    return exp.In(this=stored.copy(), expressions=literals)


def events_of(metric: Metric) -> frozenset[str]:
    """The columns of instants whose passing changes what the metric's `where`, `by` or measured column reads."""
    as_of = AsOf.end_of_window(metric)
    names = [*metric.where, *metric.by]
    if metric.measured is not None:
        names += span_of(metric.measured) or (metric.measured,)
    return frozenset(event for name in names for event in as_of.events_read(name))
