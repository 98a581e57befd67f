"""Example series of every family for a config, from two exporters, and promtool's answers to queries on them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dashboards.encoding import yaml_text
from dashboards.promql import ALERTS
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.naming import Family, metric_family, scoped
from tests.dashboards.selectors import PROMETHEUS_FAMILIES
from tests.programs import program

HOURS = 24
STEP = 300
SAMPLES = HOURS * 3600 // STEP
NOW = f"{HOURS}h"

JUDGED = (Status.OFF_TRACK, Status.AT_RISK, Status.ON_TRACK, Status.EXCEEDED)
STATUSES = (*JUDGED[:2], Status.NO_DATA, *JUDGED[2:], Status.NO_TARGET, Status.TOO_EARLY)
IDENTITIES = {
    Scope.COMPANY: ({},),
    Scope.TEAM: ({"team": "North"}, {"team": 'A "B" \\ C'}),
    Scope.PERSON: ({"team": "North", "person": "Zoë O'Brien"}, {"team": "", "person": "Ann"}),
}
LABEL_VALUES = {
    "source": "crm",
    "entity": "deals",
    "state": "ok",
    "class": "2xx",
    "reason": "timeout",
    "result": "rejected",
    "column": "closed_at",
    "version": "1",
    "python": "3",
    "period": "month",
    "instance": "a:9940",
    "rule_group": "kpi",
}

_NUMBERS = naming.COMPANY_FAMILIES[:9]
_NUMBERS_WITHOUT_RANGE = tuple(family for family in _NUMBERS if family not in (naming.TARGET_LOW, naming.TARGET_HIGH))

Series = dict[str, str]


def series(family: Family | str, values: str | float, /, **labels: str) -> Series:
    """The series from two exporters, with a constant value or values in promtool's notation."""
    name = family if isinstance(family, str) else family.name
    notation = values if isinstance(values, str) else f"{values}x{SAMPLES}"
    return {f"{name}{{{_labels({**labels, 'job': 'kpi', 'instance': i})}}}": notation for i in ("a:9940", "b:9940")}


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())


def all_series(config: Config, statuses: Sequence[Status] = STATUSES, *, ranges: bool = True) -> Series:
    """Series of every family. The KPIs have the statuses in turn; their data is 30 seconds old.

    Without `ranges` no target has a lower and an upper end.
    """
    groups = (
        _kpis(config, statuses, _NUMBERS if ranges else _NUMBERS_WITHOUT_RANGE),
        _business(config),
        _exporter(config),
        _prometheus(),
    )
    return {name: values for group in groups for entry in group for name, values in entry.items()}


def _kpis(config: Config, statuses: Sequence[Status], numbers: Sequence[Family]) -> Iterator[Series]:
    for index, kpi in enumerate(config.kpis):
        status, name = statuses[index % len(statuses)], kpi.name
        labels = {"title": kpi.title, "unit": config.unit(kpi), "period": kpi.period.value, "better": kpi.better.value}
        owner = {"objective": kpi.objective, "department": kpi.department, "owner": kpi.owner}
        yield series(naming.INFO, 1, kpi=name, **labels, **owner)
        yield series(naming.ASOF, f"-30+{STEP}x{SAMPLES}", kpi=name)
        for family in (naming.PERIOD_ELAPSED, naming.COVERAGE, naming.PERIOD_START, naming.PERIOD_END):
            yield series(family, 0.5, kpi=name)
        yield series(naming.PERIOD_LEFT, 2.4, kpi=name, unit="workdays")
        yield series(naming.REVIEW_DUE, 1, kpi=name)
        yield series(naming.RESTATED_VALUE, index + 1, kpi=name, period="2026-10")
        for family in numbers:
            if status is not Status.NO_DATA:
                yield series(family, _steps(index), kpi=name)
        for scope in kpi.scopes:
            yield from _statuses(kpi.name, scope, status)
    for objective in config.objectives:
        yield series(naming.OBJECTIVE_SCORE, 0.75, objective=objective.name)


def _steps(index: int) -> str:
    """Values with a step in the middle and one in the last two hours, so that the target changes."""
    half, hour = SAMPLES // 2, 3600 // STEP
    return f"{index + 1}x{half} {index + 1.25}x{half - hour - 1} {index + 1.5}x{hour}"


def _statuses(kpi: str, scope: Scope, status: Status) -> Iterator[Series]:
    for identity in IDENTITIES[scope]:
        for candidate in Status:
            yield series(
                scoped(naming.STATUS, scope), float(candidate is status), kpi=kpi, **identity, status=candidate.value
            )
        if scope is not Scope.COMPANY:
            for family in naming.SCOPED[:4]:
                yield series(scoped(family, scope), f"0.7+0.001x{SAMPLES}", kpi=kpi, **identity)


def _business(config: Config) -> Iterator[Series]:
    for metric in config.metrics:
        for period in ("day", "week", "month", "quarter", "year"):
            family = metric_family(config, metric)
            labels = {label: "web" for label in family.labels if label != "period"}
            yield series(family, 5, **labels, **({} if metric.is_level else {"period": period}))


def _exporter(config: Config) -> Iterator[Series]:
    for family in naming.OWN_FAMILIES:
        labels = {label: LABEL_VALUES.get(label, "x") for label in family.labels}
        values: str | float = f"0+{STEP}x{SAMPLES}" if family.type == "counter" or "timestamp" in family.name else 1
        yield series(family, values, **labels)
    for kpi in config.kpis:
        # withheld, so that an alert fires for each KPI
        yield series(naming.KPI_UP, 0, kpi=kpi.name)


def _prometheus() -> Iterator[Series]:
    for family in PROMETHEUS_FAMILIES:
        if family is not ALERTS:
            labels = {
                name: value for name, value in LABEL_VALUES.items() if name in family.labels and name != "instance"
            }
            yield series(family, f"1+1x{SAMPLES}", **labels)


def query_failures(
    tmp_path: Path,
    series: Mapping[str, str],
    queries: Sequence[tuple[str, Sequence[Series]]],
    rules: Sequence[Path] = (),
) -> str:
    """What promtool reports for queries (expression, expected samples) on these series; empty if all are right."""
    test: dict[str, Any] = {
        "rule_files": [str(path) for path in rules],
        "evaluation_interval": "1h",
        "tests": [
            {
                "interval": f"{STEP}s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": expr,
                        "eval_time": NOW,
                        "exp_samples": [
                            {"labels": k, "value": float(v)} for sample in samples for k, v in sample.items()
                        ],
                    }
                    for expr, samples in queries
                ],
            }
        ],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml_text(test), encoding="utf-8")
    result = subprocess.run(
        [program("promtool"), "test", "rules", path], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    return "" if result.returncode == 0 else result.stdout + result.stderr
