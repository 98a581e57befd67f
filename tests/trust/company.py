"""A company of CSV files and one config, which is asked through the command line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.command_line import CliResult, RunCli

_SAMPLE = re.compile(r"^(\w+(?:\{.*\})?) (\S+)(?: (\d+))?$", re.MULTILINE)

KPI = {
    "objective": "trust",
    "department": "Sales",
    "owner": "boss@example.com",
    "why": "Somebody decides by it.",
    "period": "month",
    "better": "higher",
}


@dataclass(frozen=True)
class Company:
    """A folder with the files, and the parts of the config."""

    run_cli: RunCli
    folder: Path
    settings: dict[str, Any] = field(default_factory=lambda: {"timezone": "Europe/Zurich", "currency": "CHF"})
    sources: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    kpis: list[dict[str, Any]] = field(default_factory=list)

    def sheet(self, entity: str, columns: str, rows: Iterable[Iterable[object]]) -> Path:
        """Writes a file whose headers are the entity's columns, and adds it as a source. Gives its path."""
        headers = columns.split()
        path = self.folder / f"{entity}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([headers, *rows])
        self.sources.append(
            {
                "name": f"{entity}_sheet",
                "provider": "csv",
                "path": path.name,
                "entity": entity,
                "columns": {header: header for header in headers},
            }
        )
        return path

    def metric(self, name: str, entity: str, **settings: Any) -> None:
        """Adds a metric, which counts rows unless the settings say otherwise."""
        aggregates = {"sum", "mean", "count"} & set(settings)
        counting = {} if aggregates else {"count": "rows"}
        self.metrics.append({"name": name, "title": name, "entity": entity, **counting, **settings})

    def kpi(self, name: str, value: str, **settings: Any) -> None:
        """Adds a KPI, which is monthly and better if higher unless the settings say otherwise."""
        self.kpis.append({"name": name, "title": name, "value": value, **KPI, **settings})

    def run(self, command: str, *arguments: object) -> CliResult:
        """Runs a command on the config."""
        config = {
            "company": {"name": "Example", **self.settings},
            "sources": self.sources,
            "metrics": self.metrics,
            "objectives": [{"name": "trust", "title": "Trust", "owner": "boss@example.com"}],
            "kpis": self.kpis,
        }
        path = self.folder / "kpis.yaml"
        path.write_text(json.dumps(config, indent=1))
        return self.run_cli(command, "--config", path, "--data-dir", self.folder / "data", *arguments)

    def values(self, at: str, scope: str = "company") -> dict[tuple[str, str | None], dict[str, Any]]:
        """What `values` says of each KPI and each team or person, or None for the company."""
        result = self.run("values", "--at", at, "--scope", scope, "--format", "json")
        assert result.code == 0, result.err
        kpis = json.loads(result.out)["kpis"]
        return {(kpi["kpi"], kpi["person"] or kpi["team"]): kpi for kpi in kpis}

    def value(self, kpi: str, at: str) -> Any:
        """What `values` says of a KPI of the company."""
        return self.values(at)[kpi, None]["value"]

    def status(self, kpi: str, at: str) -> Any:
        """The status that `values` gives a KPI of the company."""
        return self.values(at)[kpi, None]["status"]

    def series(self, at: str) -> dict[str, float]:
        """The series that a scrape at an instant would have shown."""
        result = self.run("values", "--at", at, "--format", "openmetrics")
        assert result.code == 0, result.err
        return {name: float(value) for name, value, _ in _SAMPLE.findall(result.out)}

    def backfilled(self, start: str, end: str, step: str) -> dict[tuple[str, int], float]:
        """The series that `backfill` writes, each with its Unix time."""
        out = self.folder / "history.om"
        result = self.run("backfill", "--out", out, "--from", start, "--to", end, "--step", step)
        assert result.code == 0, result.err
        return {(name, int(time)): float(value) for name, value, time in _SAMPLE.findall(out.read_text()) if time}
