"""What a KPI says at an instant: value, target, ratios and status, from the definitions."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.oracle.coverage import begins, dated_share
from tests.oracle.dates import Span, local_date
from tests.oracle.freshness import Freshness
from tests.oracle.history import Records
from tests.oracle.judging import Judged, Reading, judge
from tests.oracle.metrics import AGGREGATES, Asked, Group, Measured, MetricOracle
from tests.oracle.targets import Final, Kind, Moment, standard

_AVERAGES = {"mean", "percentile", "min", "max"}

Key = tuple[str, str, str | None, str | None]
"""KPI, scope, team, person."""


@dataclass(frozen=True)
class KpiOracle:
    """Answers for one company, from its YAML and all versions of its records."""

    config: Mapping[str, Any]
    records: Records

    def values(
        self, freshness: Freshness, now: datetime, known_at: datetime | None = None
    ) -> dict[Key, tuple[datetime | None, Judged]]:
        """Every KPI at every scope at `now`: the as-of instant, and what is said."""
        return {key: value for kpi in self.config["kpis"] for key, value in self._kpi(kpi, freshness, now, known_at)}

    def _kpi(
        self, kpi: Mapping[str, Any], freshness: Freshness, now: datetime, known_at: datetime | None
    ) -> Iterator[tuple[Key, tuple[datetime | None, Judged]]]:
        formula = Formula(kpi["value"], self.config)
        oracle = MetricOracle(self.config, self.records)
        known = freshness.as_of(formula.metrics, now)
        if known is None:
            if "company" in kpi.get("scopes", ["company"]):
                yield (kpi["name"], "company", None, None), (None, Judged("no_data"))
            return
        at, stale = known
        moment = Moment(
            oracle.calendar.period(kpi["period"], local_date(at, oracle.calendar.zone)),
            at,
            oracle.calendar,
            formula.kind(kpi),
        )
        dated = dated_share(self.records, formula.metrics, known_at)
        for scope in kpi.get("scopes", ["company"]):
            for (team, person, _), readings in formula.readings(oracle, kpi, scope, moment, known_at).items():
                key = kpi["name"], scope, team, person
                if stale:
                    yield key, (at, Judged("stale"))
                    continue
                current, previous, reference = readings
                final = None
                if reference is not None:
                    final = Final(
                        reference.value, reference.coverage * dated * formula.covered(self, kpi, moment, known_at)
                    )
                current, previous = (reading and reading.among(dated) for reading in (current, previous))
                held = standard(kpi, (team, person), moment, final)
                bands = kpi.get("bands") or self.config["company"].get("bands") or {}
                judged = judge(
                    kpi, current, held, bands, day_off=moment.calendar.is_day_off(moment.span, moment.kind.pace)
                )
                yield key, (at, judged._replace(previous=None if previous is None else previous.value))


class Formula:
    """Arithmetic over metrics, as Python reads it."""

    def __init__(self, text: str, config: Mapping[str, Any]) -> None:
        self._tree = ast.parse(text, mode="eval").body
        by_name = {metric["name"]: metric for metric in config["metrics"]}
        names = sorted({node.id: None for node in ast.walk(self._tree) if isinstance(node, ast.Name)})
        self.metrics = [by_name[name] for name in names]
        self._company = config["company"]

    def kind(self, kpi: Mapping[str, Any]) -> Kind:
        """Whether it is a flow, level or ratio, and what follows from that."""
        ratio = bool(self._denominators()) or bool({_aggregate(metric) for metric in self.metrics} & _AVERAGES)
        level = not ratio and all("during" in metric for metric in self.metrics)
        flow = not ratio and not level
        target = kpi.get("target")
        goal = isinstance(target, dict) and "to" in target
        pace = "workdays" if self._company.get("workdays") else "linear"
        default = pace if flow else "linear" if goal else "none"
        everyone = ratio or kpi["unit"] in ("ratio", "seconds", "score") or kpi.get("applies_to") == "all"
        return Kind(flow, level, kpi.get("pace", default), everyone)

    def readings(
        self, oracle: MetricOracle, kpi: Mapping[str, Any], scope: str, moment: Moment, known_at: datetime | None
    ) -> dict[Group, tuple[Reading, Reading | None, Reading | None]]:
        """Each group's reading so far, of the previous period, and of the period that growth is measured against."""
        calendar = moment.calendar
        previous, over = calendar.previous(kpi["period"], moment.span), self._reference(kpi, moment)

        def measured(start: datetime, end: datetime) -> dict[Group, Reading]:
            answers = [oracle.answer(Asked(metric, start, end, scope, known_at=known_at)) for metric in self.metrics]
            groups = {group for answer in answers for group in answer}
            return {group: self._read(kpi, [answer.get(group) for answer in answers]) for group in groups}

        current = measured(calendar.window(moment.span)[0], moment.at)
        before, reference = (
            {_name(g): (g, r) for g, r in measured(*calendar.window(s)).items()} for s in (previous, over)
        )
        names = {_name(group) for group in current}
        nothing = self._read(kpi, [None for _ in self.metrics])
        current |= {group: nothing for name, (group, _) in before.items() if name not in names}
        return {
            group: (
                reading,
                before.get(_name(group), (group, None))[1],
                reference.get(_name(group), (group, None))[1] if grows(kpi) else None,
            )
            for group, reading in current.items()
        }

    def covered(self, oracle: KpiOracle, kpi: Mapping[str, Any], moment: Moment, known_at: datetime | None) -> float:
        """The share of the reference period's weight after the last of the sources began."""
        firsts = [first for metric in self.metrics for first in begins(oracle.records, metric, known_at)]
        since = max(firsts, default=None)
        if since is None:
            return 1.0
        return 1 - moment.calendar.share(self._reference(kpi, moment), moment.kind.pace, since)

    def _reference(self, kpi: Mapping[str, Any], moment: Moment) -> Span:
        if grows(kpi) and kpi["target"]["over"] == "same_last_year":
            return moment.calendar.last_year(kpi["period"], moment.span)
        return moment.calendar.previous(kpi["period"], moment.span)

    def _read(self, kpi: Mapping[str, Any], answers: list[Measured | None]) -> Reading:
        inputs: dict[str, Measured] = {}
        for metric, answer in zip(self.metrics, answers, strict=True):
            additive = _aggregate(metric) in ("count", "sum", "distinct")
            inputs[metric["name"]] = answer or Measured(0.0 if additive else None)
        rows = sum(each.rows for each in inputs.values())
        held_out = sum(each.held_out for each in inputs.values())
        value = _calculated(self._tree, {name: _known(each) for name, each in inputs.items()})
        if value is not None and not math.isfinite(value):
            value = None
        sample, needed = self._sample(inputs), self._min_sample(kpi)
        return Reading(value, sample >= needed, rows / (rows + held_out) if held_out else 1.0)

    def _sample(self, inputs: Mapping[str, Measured]) -> float:
        samples = self._denominators()
        if not samples:
            means = [[m["name"]] for m in self.metrics if _aggregate(m) in ("mean", "percentile")]
            samples = means or [list(inputs)]
        counted = {metric["name"]: _counted(metric, inputs[metric["name"]]) for metric in self.metrics}
        return min(sum(counted[name] for name in names) for names in samples)

    def _min_sample(self, kpi: Mapping[str, Any]) -> float:
        if "min_sample" in kpi:
            return float(kpi["min_sample"])
        if self._denominators():
            return 20 if kpi["unit"] == "ratio" else 5
        return 5 if {_aggregate(metric) for metric in self.metrics} & {"mean", "percentile"} else 0

    def _denominators(self) -> list[list[str]]:
        divisions = [n for n in ast.walk(self._tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)]
        names = [{n.id for n in ast.walk(node.right) if isinstance(n, ast.Name)} for node in divisions]
        return [sorted(each) for each in names if each]


def _counted(metric: Mapping[str, Any], measured: Measured) -> float:
    """The events of a metric: what plain numbers add up to, otherwise rows."""
    column = metric.get("sum", "amount")
    if metric.get("unit", "count") != "count" or column == "amount" or "_seconds" in column or " - " in column:
        return measured.rows
    return max(measured.value or 0.0, 0.0)


def grows(kpi: Mapping[str, Any]) -> bool:
    """True if the target is growth."""
    return isinstance(kpi.get("target"), dict) and "growth" in kpi["target"]


def _name(group: Group) -> str | None:
    return group[1] if group[1] is not None else group[0]


def _aggregate(metric: Mapping[str, Any]) -> str:
    return next(name for name in AGGREGATES if name in metric)


def _known(measured: Measured) -> float | None:
    return None if measured.held_out and not measured.rows else measured.value


def _calculated(node: Any, values: Mapping[str, float | None]) -> float | None:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    left, right = _calculated(node.left, values), _calculated(node.right, values)
    if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
        return None
    if isinstance(node.op, ast.Div):
        return left / right
    if isinstance(node.op, ast.Mult):
        return left * right
    return left + right if isinstance(node.op, ast.Add) else left - right
