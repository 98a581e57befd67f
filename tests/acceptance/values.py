"""What `kpi-exporter values --format json` printed for an instant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from exporter.config.loader import load
from exporter.evaluation.evaluator import Evaluator
from exporter.kpi.values import Evaluation
from exporter.store.store import Store
from tests.command_line import RunCli


@dataclass(frozen=True)
class Values:
    """The metrics and KPIs of all scopes."""

    metrics: list[dict[str, Any]]
    kpis: list[dict[str, Any]]

    def metric(self, name: str, period: str | None, **labels: str) -> float:
        """The value of the one series of the metric that has these labels, for the whole company by default."""
        labels = {"scope": "company"} | labels
        (value,) = [m["value"] for m in _with(self.metrics, metric=name, period=period, **labels)]
        return float(value)

    def split(self, name: str, period: str, label: str) -> dict[str, float]:
        """The company's values of a metric by one of its labels."""
        series = _with(self.metrics, metric=name, period=period, scope="company")
        return {m["labels"][label]: m["value"] for m in series}

    def kpi(self, name: str, **labels: str) -> dict[str, Any]:
        """The one KPI that has these labels, of the whole company by default."""
        (kpi,) = _with(self.kpis, kpi=name, **({"scope": "company"} | labels))
        return kpi

    def by(self, name: str, scope: str) -> dict[str, float]:
        """The KPI's values by the team or person they belong to."""
        return {kpi[scope]: kpi["value"] for kpi in _with(self.kpis, kpi=name, scope=scope)}


def values(run_cli: RunCli, config: Path, data: Path, at: str) -> Values:
    """Runs the command for an instant."""
    result = run_cli("values", "-c", config, "-d", data, "--at", at, "--scope", "all", "--format", "json")
    assert result.code == 0, result.err
    printed = json.loads(result.out)
    return Values(printed["metrics"], printed["kpis"])


def evaluation(config: Path, data: Path, at: str) -> Evaluation:
    """The evaluation of what was synced before, as of an instant with its offset."""
    store = Store.open(data)
    try:
        return Evaluator(load(config, {}).config, store).evaluate(datetime.fromisoformat(at), None).evaluation
    finally:
        store.close()


def _with(entries: list[dict[str, Any]], **labels: str | None) -> list[dict[str, Any]]:
    return [entry for entry in entries if all(entry[key] == value for key, value in labels.items())]
