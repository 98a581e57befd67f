"""Entries of the ledger from the values of a period: seals, and restatements of what differs from what stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from math import isclose

from exporter.config.fields import Scope
from exporter.kpi.values import KpiValue
from exporter.seals import NO_RESULT, Cause, PeriodLook, PeriodResult, Restatement, ResultKey, Seal

_TOLERANCE = 1e-9
_ALMOST_NOTHING = 1e-12
"""Sums of floats that should be 0 differ from it by less than this."""

StandingResults = Mapping[ResultKey, tuple[str | None, PeriodResult]]
"""The results that stand in the ledger, each with its team."""


def sealed(look: PeriodLook, values: Iterable[KpiValue], watermark: datetime) -> Iterator[Seal]:
    """The seals of a period's final values, by the first look at it."""
    for value in values:
        yield Seal(
            kpi=value.kpi,
            scope=value.scope,
            team=value.team,
            person=value.person,
            period=look.period,
            start=look.start,
            end=look.end,
            value=value.value,
            target=value.target,
            target_ratio=value.target_ratio,
            status=value.status,
            coverage=value.coverage,
            definition_digest=look.definition_digest,
            target_digest=look.target_digest,
            watermark=watermark,
            sealed_at=look.looked_at,
        )


def restated(
    look: PeriodLook, values: Iterable[KpiValue], standing: StandingResults, cause: Callable[[ResultKey], Cause]
) -> Iterator[Restatement]:
    """A restatement for each result of a period that differs, by a new look, from the one that stands.

    A team or a person whose records are all gone has no result any more, and one without an entry had none before.
    """
    current = {_key(look, value): (value.team, _result(value)) for value in values}
    before = {key: entry for key, entry in standing.items() if (key.kpi, key.period) == (look.kpi, look.period)}
    for key in dict.fromkeys([*before, *current]):
        (team, previous), (team_now, result) = before.get(key, (None, NO_RESULT)), current.get(key, (None, NO_RESULT))
        if not is_same(previous, result):
            yield Restatement(
                kpi=key.kpi,
                scope=key.scope,
                team=team_now or team,
                person=key.name if key.scope is Scope.PERSON else None,
                period=key.period,
                start=look.start,
                previous_value=previous.value,
                value=result.value,
                previous_target=previous.target,
                target=result.target,
                previous_target_ratio=previous.target_ratio,
                target_ratio=result.target_ratio,
                previous_status=previous.status,
                status=result.status,
                cause=cause(key),
                restated_at=look.looked_at,
            )


def is_same(first: PeriodResult, second: PeriodResult) -> bool:
    """True if two results have the same status and equal numbers, up to a billionth."""
    numbers = zip(first[:3], second[:3], strict=True)
    return first.status is second.status and all(_is_close(*pair) for pair in numbers)


def _is_close(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return isclose(first, second, rel_tol=_TOLERANCE, abs_tol=_ALMOST_NOTHING)


def _key(look: PeriodLook, value: KpiValue) -> ResultKey:
    name = value.team if value.person is None else value.person
    return ResultKey(look.kpi, look.period, value.scope, name)


def _result(value: KpiValue) -> PeriodResult:
    return PeriodResult(value.value, value.target, value.target_ratio, value.status)
