"""What a Grafana that runs makes of what was generated: asked over its API, told as a list of faults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.dashboards.checks.boards import panels_of
from tests.dashboards.generated import Json, lost
from tests.dashboards.selectors import STAND_INS, filled

TROUBLE = re.compile(r"\b(level=error|lvl=eror)\b|Panel plugin not found")
MINUTE, HOUR = 60_000, 3_600_000
EVALUATED = {"ok", "nodata"}
"""How a rule is that was evaluated: also where nothing was there to judge."""


def generated_boards(folder: Path) -> dict[str, Json]:
    """The dashboards in a folder of generated files, by uid."""
    found = (json.loads(path.read_text()) for path in sorted((folder / "grafana/dashboards").rglob("*.json")))
    return {board["uid"]: board for board in found}


def troubles(log: str) -> list[str]:
    """The lines of Grafana's log that tell of an error."""
    return [line for line in log.splitlines() if TROUBLE.search(line)]


@dataclass(frozen=True)
class Grafana:
    """A Grafana behind a client that has its address and knows who asks."""

    client: httpx.Client

    def answers(self) -> bool:
        """Whether it is up, with its database."""
        try:
            return bool(self._get("/api/health").get("database") == "ok")
        except (httpx.HTTPError, ValueError):
            return False

    def faults_of_dashboards(self, boards: Mapping[str, Json]) -> list[str]:
        """Dashboards that are missing, or are not what was generated."""
        known = {found["uid"] for found in self._get("/api/search", type="dash-db", limit=5000)}
        return [fault for uid, board in boards.items() for fault in self._differences(uid, board, known)]

    def _differences(self, uid: str, board: Json, known: set[str]) -> list[str]:
        if uid not in known:
            return [f"{uid}: Grafana does not list it"]
        read = self._get(f"/api/dashboards/uid/{uid}")["dashboard"]
        return [f"{uid}{fault}" for fault in lost({k: v for k, v in board.items() if k not in {"id", "version"}}, read)]

    def faults_of_queries(self, boards: Mapping[str, Json], values: Mapping[str, str] = STAND_INS) -> list[str]:
        """Panels whose queries fail, and panels without data that do not say in their own words why."""
        return [
            fault
            for uid, board in boards.items()
            for panel in panels_of(board)
            if panel.get("targets")
            for fault in self._unanswered(f"{uid}: {panel['title']}", panel, board["time"]["from"], values)
        ]

    def _unanswered(self, where: str, panel: Mapping[str, Any], since: str, values: Mapping[str, str]) -> Iterator[str]:
        queries = [{**query, "expr": filled(query["expr"], values)} for query in panel["targets"]]
        lately, long = self._answers(queries, "now-6h", MINUTE), self._answers(queries, since, HOUR)
        for query in queries:
            for found in (lately, long):
                if error := found.get(query["refId"], {"error": "it was not answered"}).get("error"):
                    yield f"{where} {query['refId']}: {error}"
        empty = not any(_has_data(found) for found in (*lately.values(), *long.values()))
        if empty and panel["fieldConfig"]["defaults"].get("noValue") == "no data":
            yield f"{where}: no data"

    def _answers(self, queries: Sequence[Json], since: str, step: int) -> dict[str, Json]:
        asked = [{**query, "intervalMs": step, "maxDataPoints": 1000} for query in queries]
        answer = self.client.post("/api/ds/query", json={"from": since, "to": "now", "queries": asked})
        found: dict[str, Json] = answer.json().get("results", {})
        return found

    def rules(self) -> list[Json]:
        """Its own alert rules, as last evaluated."""
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
        answer = self.client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()


def _has_data(found: Json) -> bool:
    return any(column for frame in found.get("frames", ()) for column in frame["data"]["values"])
