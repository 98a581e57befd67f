"""Where a KPI stands in time: the as-of instant, its period, and the windows to ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from exporter.config.fields import Scope, Status
from exporter.kpi import periods
from exporter.kpi.pace import Clock
from exporter.kpi.plan import Plan
from exporter.kpi.values import Freshness
from exporter.metrics.values import Question, Window

_NEVER = Freshness(None)


@dataclass(frozen=True, slots=True)
class Moment:
    """One KPI at one instant. `withheld` is the status that keeps its numbers back, None where nothing does.

    `windows` are the period from its start to the as-of instant, the whole period before and, where the target is
    growth, the whole period that it is measured against.
    """

    plan: Plan
    clock: Clock
    period: Window
    windows: tuple[Window, ...]
    scopes: tuple[Scope, ...]
    withheld: Status | None = None

    def questions(self) -> Iterator[Question]:
        """What the KPI needs to know."""
        if self.withheld is not Status.NO_DATA:
            for scope in self.scopes:
                for asked in self.asked(scope):
                    yield from asked

    def asked(self, scope: Scope) -> list[list[Question]]:
        """The questions for one scope: for each window one to each of the formula's metrics."""
        return [[Question(name, window, scope) for name in self.plan.formula.metrics] for window in self.windows]


def as_of(entities: frozenset[str], freshness: Mapping[str, Freshness], now: datetime) -> tuple[datetime, bool] | None:
    """The instant up to which all the entities are known, not after `now`, and whether that is too old to show.

    None where one of them was never read whole. An entity counts as stale only where it keeps the as-of instant
    back: what is known beyond `now` is not stale as of `now`.
    """
    instant, stale = now, False
    for entity in entities:
        fresh = freshness.get(entity, _NEVER)
        if fresh.complete_until is None:
            return None
        if fresh.complete_until < now:
            instant, stale = min(instant, fresh.complete_until), stale or fresh.stale
    return instant, stale


def moment_of(plan: Plan, freshness: Mapping[str, Freshness], now: datetime) -> Moment:
    """The moment of a KPI: everything as of the oldest of its inputs (design 7).

    Team and person values wait for the people to have been read once, where any source reads them.
    """
    known = as_of(plan.entities, freshness, now)
    instant, stale = known or (now, False)
    calendar, period = plan.calendar, plan.kpi.period
    span = calendar.holding(period, instant)
    reference = plan.reference(span)
    scopes = plan.kpi.scopes if people_known(freshness) else (Scope.COMPANY,)
    return Moment(
        plan,
        Clock(instant, span, plan.pace, calendar.share(span, plan.pace, instant)),
        calendar.window(span),
        (
            calendar.window(span, instant),
            calendar.window(periods.before(period, span)),
            *(() if reference is None else (calendar.window(reference),)),
        ),
        tuple(scope for scope in scopes if scope in plan.kpi.scopes),
        Status.NO_DATA if known is None else Status.STALE if stale else None,
    )


def people_known(freshness: Mapping[str, Freshness]) -> bool:
    """False while a source that lists people has not been read whole: teams would be wrong."""
    people = freshness.get("people")
    return people is None or people.complete_until is not None
