"""Files of Prometheus and Alertmanager, and Grafana's data sources and dashboard providers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dashboards.site import UID
from tests.dashboards.checks.shape import duplicates, duration_problems, key_problems

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RECORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_RECEIVER_TYPES = ("email_configs", "slack_configs", "webhook_configs", "msteamsv2_configs")


def rule_problems(location: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Problems of a rule file of Prometheus."""
    groups = content.get("groups", ())
    yield from duplicates(location, "group", (group.get("name") for group in groups))
    for group in groups:
        yield from key_problems(f"{location}: group", group, {"name": str, "rules": list})
        for rule in group.get("rules", ()):
            if "record" in rule:
                yield from key_problems(f"{location}: {rule['record']}", rule, {"record": str, "expr": str})
                if not _RECORD.fullmatch(rule["record"]):
                    yield f"{location}: {rule['record']!r} is not a series name"
            else:
                yield from _alert(f"{location}: {rule.get('alert')}", rule)


def _alert(location: str, rule: Mapping[str, Any]) -> Iterator[str]:
    yield from key_problems(
        location,
        rule,
        {"alert": str, "expr": str, "labels": dict, "annotations": dict},
        {"for": str, "keep_firing_for": str},
    )
    yield from duration_problems(location, rule, "for", "keep_firing_for")
    for name, text in {**rule.get("labels", {}), **rule.get("annotations", {})}.items():
        if not _LABEL.fullmatch(name):
            yield f"{location}: {name!r} is not a label name"
        literal = _ACTION.sub("", text) if isinstance(text, str) else ""
        if not isinstance(text, str) or "{{" in literal:
            yield f"{location}: {name} is not a closed template"


def prometheus_problems(location: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Problems of prometheus.yml."""
    keys = {"global": dict, "rule_files": list, "alerting": dict, "scrape_configs": list}
    yield from key_problems(location, content, keys)
    yield from duration_problems(location, content.get("global", {}), "scrape_interval", "evaluation_interval")
    yield from duplicates(location, "job", (job.get("job_name") for job in content.get("scrape_configs", ())))


def alertmanager_problems(location: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Problems of alertmanager.yml."""
    keys = {"route": dict, "inhibit_rules": list, "receivers": list}
    yield from key_problems(location, content, keys, {"global": dict, "time_intervals": list, "templates": list})
    receivers = [receiver.get("name") for receiver in content.get("receivers", ())]
    intervals = [interval.get("name") for interval in content.get("time_intervals", ())]
    yield from duplicates(location, "receiver", receivers)
    root = content.get("route", {})
    yield from duration_problems(location, root, "group_wait", "group_interval", "repeat_interval")
    for route in (root, *root.get("routes", ())):
        if route.get("receiver") not in receivers:
            yield f"{location}: no receiver {route.get('receiver')}"
        interval_names = (*route.get("active_time_intervals", ()), *route.get("mute_time_intervals", ()))
        yield from (f"{location}: no time interval {name}" for name in interval_names if name not in intervals)
    for receiver in content.get("receivers", ()):
        yield from key_problems(f"{location}: receiver", receiver, {"name": str}, dict.fromkeys(_RECEIVER_TYPES, list))


def data_source_problems(location: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Problems of the data sources' file."""
    sources = content.get("datasources", ())
    for key in ("name", "uid"):
        yield from duplicates(location, key, (source.get(key) for source in sources))
    if sum(bool(source.get("isDefault")) for source in sources) > 1:
        yield f"{location}: two data sources are the default"
    for source in sources:
        if not UID.fullmatch(str(source.get("uid"))) or not source.get("url") or not source.get("type"):
            yield f"{location}: {source.get('name')} without a usable uid, url or type"


def provider_problems(location: str, content: Mapping[str, Any], alert_folders: Iterable[str]) -> Iterator[str]:
    """Problems of the dashboard providers' file. An alert folder with the same title would create a second folder."""
    providers = content.get("providers", ())
    alert_titles = set(alert_folders)
    for key in ("name", "folder", "folderUid"):
        yield from duplicates(location, key, (provider.get(key) for provider in providers))
    for provider in providers:
        title = str(provider.get("folder"))
        if set("/_") & set(title) or title in alert_titles:
            yield f"{location}: the folder title {title!r} contains / or _, or is that of an alert folder"
        if not provider.get("options", {}).get("path"):
            yield f"{location}: provider {provider.get('name')} without a path"
