"""Targets that are missed or exceeded in every period, which says more about the target than about the work."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.config.fields import Status
from exporter.kpi.signals import TargetStreak
from exporter.seals import FinalVerdict

_MISSED = (Status.AT_RISK, Status.OFF_TRACK)


def streak(verdicts: Iterable[FinalVerdict]) -> TargetStreak:
    """The streak at the end of a KPI's final periods, given newest first.

    Days off are skipped. A period without a verdict, one that is not sealed and a changed target end the streak: the
    target that is in force has not been tried for longer.
    """
    missed = exceeded = 0
    newest: FinalVerdict | None = None
    later: FinalVerdict | None = None
    for verdict in verdicts:
        if later is not None and verdict.end != later.start:
            break
        later = verdict
        if verdict.status is Status.DAY_OFF:
            continue
        newest = newest or verdict
        if verdict.target_digest != newest.target_digest:
            break
        if _is_missed(verdict) and not exceeded:
            missed += 1
        elif verdict.status is Status.EXCEEDED and not missed:
            exceeded += 1
        else:
            break
    return TargetStreak(missed, exceeded)


def _is_missed(verdict: FinalVerdict) -> bool:
    """False for a KPI that only its guard keeps at risk."""
    return verdict.status in _MISSED and verdict.target_ratio is not None and verdict.target_ratio < 1
