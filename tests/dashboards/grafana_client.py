"""Checks over its API how a running Grafana reads the generated files. Problems come as a list of faults."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.dashboards.checks.boards import panels_of
from tests.dashboards.generated import Json, losses
from tests.dashboards.selectors import VARIABLE_VALUES, with_variables

ERROR_LINE = re.compile(r"\b(level=error|lvl=eror)\b|Panel plugin not found")
MINUTE, HOUR = 60_000, 3_600_000
EVALUATED = {"ok", "nodata"}
"""The health of rules that could be evaluated, with or without data."""


def generated_boards(folder: Path) -> dict[str, Json]:
    """The dashboards in a folder of generated files, by uid."""
    dashboards = (json.loads(path.read_text()) for path in sorted((folder / "grafana/dashboards").rglob("*.json")))
    return {board["uid"]: board for board in dashboards}


def error_lines(log: str) -> list[str]:
    """The lines of Grafana's log that report an error."""
    return [line for line in log.splitlines() if ERROR_LINE.search(line)]


@dataclass(frozen=True)
class Grafana:
    """A Grafana behind a client with its address and credentials."""

    client: httpx.Client

    def is_up(self) -> bool:
        """Whether Grafana and its database are up."""
        try:
            return bool(self._get("/api/health").get("database") == "ok")
        except (httpx.HTTPError, ValueError):
            return False

    def faults_of_dashboards(self, boards: Mapping[str, Json]) -> list[str]:
        """Dashboards that are missing, or differ from the generated ones."""
        listed = {entry["uid"] for entry in self._get("/api/search", type="dash-db", limit=5000)}
        return [fault for uid, board in boards.items() for fault in self._differences(uid, board, listed)]

    def _differences(self, uid: str, board: Json, listed: set[str]) -> list[str]:
        if uid not in listed:
            return [f"{uid}: Grafana does not list it"]
        loaded = self._get(f"/api/dashboards/uid/{uid}")["dashboard"]
        return [
            f"{uid}{fault}" for fault in losses({k: v for k, v in board.items() if k not in {"id", "version"}}, loaded)
        ]

    def faults_of_queries(self, boards: Mapping[str, Json], values: Mapping[str, str] = VARIABLE_VALUES) -> list[str]:
        """Panels whose queries fail, and panels without data that have no `noValue` text of their own."""
        return [
            fault
            for uid, board in boards.items()
            for panel in panels_of(board)
            if panel.get("targets")
            for fault in self._query_faults(f"{uid}: {panel['title']}", panel, board["time"]["from"], values)
        ]

    def _query_faults(
        self, panel_name: str, panel: Mapping[str, Any], since: str, values: Mapping[str, str]
    ) -> Iterator[str]:
        at_end = {**values, "__to": str(int(time.time()))}
        queries = [{**query, "expr": with_variables(query["expr"], at_end)} for query in panel["targets"]]
        recent, whole_range = self._results(queries, "now-6h", MINUTE), self._results(queries, since, HOUR)
        for query in queries:
            for results in (recent, whole_range):
                if error := results.get(query["refId"], {"error": "no result"}).get("error"):
                    yield f"{panel_name} {query['refId']}: {error}"
        empty = not any(_has_data(result) for result in (*recent.values(), *whole_range.values()))
        if empty and panel["fieldConfig"]["defaults"].get("noValue") == "no data":
            yield f"{panel_name}: no data"

    def _results(self, queries: Sequence[Json], since: str, step: int) -> dict[str, Json]:
        body = [{**query, "intervalMs": step, "maxDataPoints": 1000} for query in queries]
        response = self.client.post("/api/ds/query", json={"from": since, "to": "now", "queries": body})
        results: dict[str, Json] = response.json().get("results", {})
        return results

    def rules(self) -> list[Json]:
        """Grafana's alert rules, as last evaluated."""
        groups = self._get("/api/prometheus/grafana/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def faults_of_rules(self) -> list[str]:
        """Rules that cannot be evaluated."""
        return [
            f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}".rstrip()
            for rule in self.rules()
            if rule["health"] not in EVALUATED or rule.get("lastError")
        ]

    def _get(self, path: str, **query: Any) -> Any:
        response = self.client.get(path, params=query)
        response.raise_for_status()
        return response.json()


def _has_data(result: Json) -> bool:
    return any(column for frame in result.get("frames", ()) for column in frame["data"]["values"])
