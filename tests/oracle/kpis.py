"""What a KPI says at an instant: value, target, ratios and status, from the definitions."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.coverage import begins, dated_share
from tests.oracle.dates import DAY, Span, in_force, local_date
from tests.oracle.freshness import Freshness
from tests.oracle.history import Records
from tests.oracle.judging import Judged, Reading, Verdict, driver, guarded, judge, score
from tests.oracle.metrics import AGGREGATES, MONEY, Asked, Group, Measured, MetricOracle
from tests.oracle.targets import Final, Kind, Moment, standard

INSTANT = timedelta(microseconds=1)
_AVERAGES = {"mean", "percentile", "min", "max"}

Key = tuple[str, str, str | None, str | None]
"""KPI, scope, team, person."""


@dataclass(frozen=True)
class Said:
    """What is said of one KPI for one scope: as of which instant, and what counts for the score of its objective."""

    at: datetime | None
    judged: Judged
    verdict: Verdict


class KpiOracle:
    """Answers for one company, from its YAML and all versions of its records."""

    def __init__(self, config: Mapping[str, Any], records: Records) -> None:
        self._config = config
        self._records = records
        self._oracle = MetricOracle(config, records)

    def values(self, freshness: Freshness, now: datetime, known_at: datetime | None = None) -> dict[Key, Said]:
        """Every KPI at every scope at `now`."""
        said = {key: value for kpi in self._config["kpis"] for key, value in self._kpi(kpi, freshness, now, known_at)}
        guards = {kpi["name"]: kpi["guard"] for kpi in self._config["kpis"] if "guard" in kpi}
        statuses = {
            (kpi, scope, person or team): value.judged.status for (kpi, scope, team, person), value in said.items()
        }

        def with_guard(key: Key, value: Said) -> Said:
            kpi, scope, team, person = key
            guard = guards.get(kpi)
            company = statuses.get((guard or "", "company", None))
            return replace(
                value, judged=guarded(value.judged, statuses.get((guard or "", scope, person or team), company))
            )

        return {key: with_guard(key, value) for key, value in said.items()}

    def scores(self, said: Mapping[Key, Said]) -> dict[str, tuple[float | None, float]]:
        """Each objective's score and coverage, from the company's values."""
        verdicts = [value.verdict for (_, scope, _, _), value in said.items() if scope == "company"]
        names = [objective["name"] for objective in self._config["objectives"]]
        return {name: score([verdict for verdict in verdicts if verdict.objective == name]) for name in names}

    def _kpi(
        self, kpi: Mapping[str, Any], freshness: Freshness, now: datetime, known_at: datetime | None
    ) -> Iterator[tuple[Key, Said]]:
        formulas, calendar = Formulas(kpi, self._config), self._oracle.calendar
        known = freshness.as_of(formulas.on(local_date(now, calendar.zone)).metrics, now)
        if known is None:
            if "company" in kpi["scopes"]:
                weight = in_force(kpi.get("weight"), local_date(now, calendar.zone), 1)
                verdict = Verdict(kpi["objective"], weight, None)
                yield (kpi["name"], "company", None, None), Said(None, Judged("no_data"), verdict)
            return
        at, stale = known
        today = local_date(at, calendar.zone)
        span = calendar.period(kpi["period"], today)
        moment = Moment(span, at, calendar, formulas.kind, self._oracle.staff(known_at))
        company = in_force(self._config["company"].get("bands"), today, {})
        bands = in_force(kpi.get("bands"), today, company)
        weight = in_force(kpi.get("weight"), today, 1)
        dated = self._dated(formulas.of_window(calendar.window(span)[0], at), freshness, known_at)
        scopes = [scope for scope in kpi["scopes"] if scope == "company" or freshness.knows_people]
        for scope in scopes:
            for (team, person, _), readings in formulas.readings(self._oracle, scope, moment, known_at).items():
                key = kpi["name"], scope, team, person
                if stale:
                    yield key, Said(at, Judged("stale"), Verdict(kpi["objective"], weight, None))
                    continue
                current, previous, reference = readings
                final = None
                if reference is not None:
                    final = self._final(reference, formulas, moment, freshness, known_at)
                current = current.among(dated)
                previous = previous and previous.among(dated)
                held = standard(kpi, (team, person), moment, final)
                judged = judge(kpi, current, held, bands, day_off=calendar.is_day_off(span, moment.kind.pace))
                verdict = Verdict(kpi["objective"], weight, driver(kpi, judged, held))
                yield key, Said(at, judged._replace(previous=None if previous is None else previous.value), verdict)

    def _final(
        self, reading: Reading, formulas: Formulas, moment: Moment, freshness: Freshness, known_at: datetime | None
    ) -> Final:
        """What growth is measured against, and the share of its period and records that is known."""
        window = moment.calendar.window(formulas.reference(moment))
        dated = self._dated(formulas.of_window(*window), freshness, known_at)
        return Final(reading.value, reading.coverage * dated * formulas.covered(self._records, moment, known_at))

    def _dated(self, formula: Formula, freshness: Freshness, known_at: datetime | None) -> float:
        return dated_share(self._records, formula.metrics, freshness.rejected, known_at)


class Formulas:
    """The formulas of a KPI over time. The latest gives the KPI its kind."""

    def __init__(self, kpi: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        self._kpi = kpi
        self._config = config
        self._zone = ZoneInfo(config["company"]["timezone"])
        self.latest = Formula(self.texts(kpi)[-1], config)

    @staticmethod
    def texts(kpi: Mapping[str, Any]) -> list[str]:
        """All formulas, the latest last."""
        value = kpi["value"]
        return [entry["is"] for entry in value] if isinstance(value, list) else [value]

    @staticmethod
    def names(kpi: Mapping[str, Any]) -> set[str]:
        """The metrics in any of the formulas."""
        return {name for text in Formulas.texts(kpi) for name in _names(ast.parse(text, mode="eval").body)}

    def on(self, day: date) -> Formula:
        """The formula in force on a date."""
        return Formula(in_force(self._kpi["value"], day, ""), self._config)

    def of_window(self, start: datetime, end: datetime) -> Formula:
        """The formula in force on the last date of [start, end)."""
        return self.on(local_date(max(start, end - INSTANT), self._zone))

    @property
    def kind(self) -> Kind:
        """Whether the KPI is a flow, level or ratio, and what follows from that."""
        return self.latest.kind(self._kpi)

    def readings(
        self, oracle: MetricOracle, scope: str, moment: Moment, known_at: datetime | None
    ) -> dict[Group, tuple[Reading, Reading | None, Reading | None]]:
        """Each group's reading so far, of the previous period, and of the period that growth is measured against."""
        kpi, calendar = self._kpi, moment.calendar
        previous, over = calendar.previous(kpi["period"], moment.span), self.reference(moment)
        needed = self.latest.min_sample(kpi)

        def measured(start: datetime, end: datetime) -> dict[Group, Reading]:
            formula = self.of_window(start, end)
            answers = [oracle.answer(Asked(metric, start, end, scope, known_at=known_at)) for metric in formula.metrics]
            groups = {group for answer in answers for group in answer}
            return {group: formula.read([answer.get(group) for answer in answers], needed) for group in groups}

        start = calendar.window(moment.span)[0]
        current = measured(start, moment.at)
        before, reference = (
            {_name(g): (g, r) for g, r in measured(*calendar.window(s)).items()} for s in (previous, over)
        )
        names = {_name(group) for group in current}
        formula = self.of_window(start, moment.at)
        nothing = formula.read([None for _ in formula.metrics], needed)
        current |= {group: nothing for name, (group, _) in before.items() if name not in names}
        return {
            group: (
                reading,
                before.get(_name(group), (group, None))[1],
                reference.get(_name(group), (group, None))[1] if grows(kpi) else None,
            )
            for group, reading in current.items()
        }

    def covered(self, records: Records, moment: Moment, known_at: datetime | None) -> float:
        """The share of the reference period's weight after the last of the sources began."""
        span = self.reference(moment)
        metrics = self.on(span[1] - DAY).metrics
        since = max((first for metric in metrics for first in begins(records, metric, known_at)), default=None)
        return 1.0 if since is None else 1 - moment.calendar.share(span, moment.kind.pace, since)

    def reference(self, moment: Moment) -> Span:
        """The period that growth is measured against."""
        if grows(self._kpi) and self._kpi["target"]["over"] == "same_last_year":
            return moment.calendar.last_year(self._kpi["period"], moment.span)
        return moment.calendar.previous(self._kpi["period"], moment.span)


class Formula:
    """Arithmetic over metrics, as Python reads it."""

    def __init__(self, text: str, config: Mapping[str, Any]) -> None:
        self._tree = ast.parse(text, mode="eval").body
        by_name = {metric["name"]: metric for metric in config["metrics"]}
        self.metrics = [by_name[name] for name in _names(self._tree)]
        self._company = config["company"]

    def kind(self, kpi: Mapping[str, Any]) -> Kind:
        """What the formula makes of a KPI."""
        ratio = bool(self._denominators()) or bool({_aggregate(metric) for metric in self.metrics} & _AVERAGES)
        level = not ratio and all("during" in metric for metric in self.metrics)
        flow = not ratio and not level
        target = kpi.get("target")
        goal = isinstance(target, dict) and "to" in target
        pace = "workdays" if self._company.get("workdays") else "linear"
        default = pace if flow else "linear" if goal else "none"
        everyone = ratio or kpi["unit"] in ("ratio", "seconds", "score") or grows(kpi)
        if "applies_to" in kpi:
            everyone = kpi["applies_to"] == "all"
        return Kind(flow, level, kpi.get("pace", default), everyone)

    def read(self, answers: list[Measured | None], needed: float) -> Reading:
        """The value of what the metrics measured; enough for a verdict if the sample is what is needed."""
        inputs: dict[str, Measured] = {}
        for metric, answer in zip(self.metrics, answers, strict=True):
            additive = _aggregate(metric) in ("count", "sum", "distinct")
            inputs[metric["name"]] = answer or Measured(0.0 if additive else None)
        rows = sum(each.rows for each in inputs.values())
        held_out = sum(each.held_out for each in inputs.values())
        value = _calculated(self._tree, {name: _known(each) for name, each in inputs.items()})
        if value is not None and not math.isfinite(value):
            value = None
        return Reading(value, self._sample(inputs) >= needed, rows / (rows + held_out) if held_out else 1.0)

    def min_sample(self, kpi: Mapping[str, Any]) -> float:
        """The events that a verdict needs."""
        if "min_sample" in kpi:
            return float(kpi["min_sample"])
        if self._denominators():
            return 20 if kpi["unit"] == "ratio" else 5
        return 5 if {_aggregate(metric) for metric in self.metrics} & {"mean", "percentile"} else 0

    def _sample(self, inputs: Mapping[str, Measured]) -> float:
        samples = self._denominators()
        if not samples:
            means = [[m["name"]] for m in self.metrics if _aggregate(m) in ("mean", "percentile")]
            samples = means or [list(inputs)]
        counted = {metric["name"]: _counted(metric, inputs[metric["name"]]) for metric in self.metrics}
        return min(sum(counted[name] for name in names) for names in samples)

    def _denominators(self) -> list[list[str]]:
        divisions = [n for n in ast.walk(self._tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)]
        return [names for node in divisions if (names := _names(node.right))]


def _names(tree: ast.AST) -> list[str]:
    return sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})


def _counted(metric: Mapping[str, Any], measured: Measured) -> float:
    """The events of a metric: what plain numbers add up to, otherwise rows."""
    column = metric.get("sum", "amount")
    if metric.get("unit", "count") != "count" or column in MONEY or "_seconds" in column or " - " in column:
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
