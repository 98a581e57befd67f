"""Validation of all generated files: finds whatever would prevent Grafana or Prometheus from starting."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from exporter.errors import ExporterError
from tests.dashboards.checks import alerting, boards, programs
from tests.dashboards.checks.shape import duplicates

_ALERTING = "grafana/provisioning/alerting/"
_SOURCES = "grafana/provisioning/datasources/"
_PROVIDERS = "grafana/provisioning/dashboards/"
_LOAD: Any = yaml.CSafeLoader


class InvalidOutputError(ExporterError):
    """Generated files would not load. `problems` lists each problem."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("generated files would not load:\n" + "\n".join(self.problems))


def validate(files: Mapping[str, str]) -> None:
    """Raises InvalidOutputError if any of the files (path to text) has a problem."""
    if not files:
        raise InvalidOutputError(["nothing was generated"])
    all_problems = tuple(problems(files))
    if all_problems:
        raise InvalidOutputError(all_problems)


def problems(files: Mapping[str, str]) -> Iterator[str]:
    """The problems of all files (path to text)."""
    content: dict[str, Any] = {}
    for path, text in files.items():
        try:
            content[path] = _parsed(path, text)
        except (ValueError, yaml.YAMLError) as error:
            yield f"{path}: {error}"
    dashboards = {p: c for p, c in content.items() if p.startswith("grafana/dashboards/")}
    yield from _dashboards(dashboards)
    yield from _grafana(content, {d["uid"]: d for d in dashboards.values() if "uid" in d})
    for path, parsed in content.items():
        if path.startswith("prometheus/rules/"):
            yield from programs.rule_problems(path, parsed)
        elif path == "prometheus/prometheus.yml":
            yield from programs.prometheus_problems(path, parsed)
        elif path == "alertmanager/alertmanager.yml":
            yield from programs.alertmanager_problems(path, parsed)


def _parsed(path: str, text: str) -> Any:
    if path.endswith(".json"):
        return json.loads(text)
    if path.startswith("prometheus/tests/") or not path.endswith((".yml", ".yaml")):
        return None
    return yaml.load(text, Loader=_LOAD)  # the safe loader, in C


def _dashboards(dashboards: Mapping[str, Any]) -> Iterator[str]:
    by_uid = {dashboard.get("uid"): dashboard for dashboard in dashboards.values()}
    yield from duplicates("dashboards", "uid", (dashboard.get("uid") for dashboard in dashboards.values()))
    titles = ((path.rsplit("/", 1)[0], dashboard.get("title")) for path, dashboard in dashboards.items())
    yield from duplicates("dashboards", "title", titles)
    for path, dashboard in dashboards.items():
        yield from boards.dashboard_problems(path, dashboard, by_uid)


def _grafana(content: Mapping[str, Any], dashboards: Mapping[str, Any]) -> Iterator[str]:
    sources, folders = set(), set()
    panels = {uid: [panel.get("id") for panel in boards.panels_of(d)] for uid, d in dashboards.items()}
    for path, parsed in content.items():
        if path.startswith(_SOURCES):
            yield from programs.data_source_problems(path, parsed)
            sources |= {source.get("uid") for source in parsed.get("datasources", ())}
        elif path.startswith(_ALERTING):
            folders |= {group.get("folder") for group in parsed.get("groups", ())}
    for path, parsed in content.items():
        if path.startswith(_ALERTING):
            yield from alerting.alerting_problems(path, parsed, sources, panels)
        elif path.startswith(_PROVIDERS):
            yield from programs.provider_problems(path, parsed, folders)
