"""The verdict on a value by thresholds alone, and what follows from verdicts: guards and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.oracle.targets import Range, Standard

_CLOSE = 1e-9
VERDICTS = ("off_track", "at_risk", "on_track", "exceeded")


class Reading(NamedTuple):
    """A value, whether it rests on enough events for a verdict, and the share of records that could be used."""

    value: float | None
    enough: bool
    coverage: float

    def among(self, dated: float) -> Reading:
        """The reading given that only a share of the records has a place in time; below a half it is unknown."""
        coverage = self.coverage * dated
        return Reading(self.value if coverage >= 0.5 else None, self.enough, coverage)


class Judged(NamedTuple):
    """Everything that is said of one KPI for one scope."""

    status: str
    value: float | None = None
    target: float | None = None
    target_ratio: float | None = None
    expected: float | None = None
    pace_ratio: float | None = None
    progress_ratio: float | None = None
    previous: float | None = None
    coverage: float | None = None


class Verdict(NamedTuple):
    """What a score needs: the KPI's objective and weight, and the ratio behind its verdict, None without one."""

    objective: str
    weight: float
    ratio: float | None


def judge(
    kpi: Mapping[str, Any], reading: Reading, held: Standard | None, bands: Mapping[str, float], *, day_off: bool
) -> Judged:
    """The reading against its standard."""
    value = reading.value
    if held is None:
        status = "no_data" if value is None else "day_off" if day_off else "no_target"
        return Judged(status, value, coverage=reading.coverage)
    better = kpi["better"]
    target_ratio = pace_ratio = progress = None
    if value is not None:
        target_ratio = _ratio(value, held.aim, held.scale, better)
        pace_ratio = _ratio(value, held.due, held.due_scale, better)
        if held.baseline is not None and _middle(held.aim) != held.baseline:
            progress = (value - held.baseline) / (_middle(held.aim) - held.baseline)
    status = _status(kpi, reading, held, target_ratio if held.share is None else pace_ratio, bands)
    return Judged(
        status,
        value,
        _middle(held.aim),
        target_ratio,
        _middle(held.due),
        pace_ratio,
        progress,
        coverage=reading.coverage,
    )


def _status(
    kpi: Mapping[str, Any], reading: Reading, held: Standard, ratio: float | None, bands: Mapping[str, float]
) -> str:
    if reading.value is None:
        return "no_data"
    if not reading.enough:
        return "too_few"
    if held.share is not None and (held.share == 0 or held.share < kpi.get("min_elapsed", 0.1)):
        return "too_early"
    if ratio is None:
        return "on_track" if _lead(reading.value, held.due, kpi["better"]) >= 0 else "off_track"
    return band(ratio, bands)


def band(ratio: float, bands: Mapping[str, float]) -> str:
    """The status of a ratio; a threshold belongs to the better side."""
    limits = {"exceeded": 1.1, "on_track": 1.0, "at_risk": 0.9, **bands}
    return next((name for name, limit in limits.items() if ratio + _CLOSE >= limit), "off_track")


def driver(kpi: Mapping[str, Any], judged: Judged, held: Standard | None) -> float | None:
    """The ratio behind a verdict: by pace while there is one, else by target; met or not counts as 1 or 0."""
    if held is None or judged.status not in VERDICTS or judged.value is None:
        return None
    ratio = judged.target_ratio if held.share is None else judged.pace_ratio
    return float(_lead(judged.value, held.due, kpi["better"]) >= 0) if ratio is None else ratio


def guarded(judged: Judged, guard: str | None) -> Judged:
    """At risk at best if the guard is off track."""
    better = judged.status in ("on_track", "exceeded")
    return judged._replace(status="at_risk") if guard == "off_track" and better else judged


def score(verdicts: Sequence[Verdict]) -> tuple[float | None, float]:
    """The weighted mean of the ratios, each within 0 and 1, and the share of the weight that has one.

    Without a verdict on half of the weight there is no score.
    """
    total = sum(verdict.weight for verdict in verdicts)
    judged = [(verdict.weight, verdict.ratio) for verdict in verdicts if verdict.ratio is not None]
    weight = sum(each for each, _ in judged)
    coverage = weight / total if total else 0.0
    if not weight or coverage < 0.5:
        return None, coverage
    return sum(each * min(max(ratio, 0.0), 1.0) for each, ratio in judged) / weight, coverage


def _ratio(value: float, aim: Range, scale: float, better: str) -> float | None:
    return 1 + _lead(value, aim, better) / scale if scale else None


def _lead(value: float, aim: Range, better: str) -> float:
    if better == "higher":
        return value - aim[0]
    return aim[1] - value if better == "lower" else -max(aim[0] - value, 0.0, value - aim[1])


def _middle(aim: Range) -> float:
    return (aim[0] + aim[1]) / 2
