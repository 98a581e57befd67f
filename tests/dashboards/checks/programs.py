"""Files of Prometheus and Alertmanager, and Grafana's data sources and dashboard providers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dashboards.site import UID
from tests.dashboards.checks.shape import repeated, shaped, timed

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RECORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_WAYS = ("email_configs", "slack_configs", "webhook_configs", "msteamsv2_configs")


def rule_problems(where: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Problems of a rule file of Prometheus."""
    groups = content.get("groups", ())
    yield from repeated(where, "group", (group.get("name") for group in groups))
    for group in groups:
        yield from shaped(f"{where}: group", group, {"name": str, "rules": list})
        for rule in group.get("rules", ()):
            if "record" in rule:
                yield from shaped(f"{where}: {rule['record']}", rule, {"record": str, "expr": str})
                if not _RECORD.fullmatch(rule["record"]):
                    yield f"{where}: {rule['record']!r} is no name of a series"
            else:
                yield from _alert(f"{where}: {rule.get('alert')}", rule)


def _alert(where: str, rule: Mapping[str, Any]) -> Iterator[str]:
    yield from shaped(
        where,
        rule,
        {"alert": str, "expr": str, "labels": dict, "annotations": dict},
        {"for": str, "keep_firing_for": str},
    )
    yield from timed(where, rule, "for", "keep_firing_for")
    for name, text in {**rule.get("labels", {}), **rule.get("annotations", {})}.items():
        if not _LABEL.fullmatch(name):
            yield f"{where}: {name!r} is no name of a label"
        left = _ACTION.sub("", text) if isinstance(text, str) else ""
        if not isinstance(text, str) or "{{" in left:
            yield f"{where}: {name} is not a closed template"


def prometheus_problems(where: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Problems of prometheus.yml."""
    keys = {"global": dict, "rule_files": list, "alerting": dict, "scrape_configs": list}
    yield from shaped(where, content, keys)
    yield from timed(where, content.get("global", {}), "scrape_interval", "evaluation_interval")
    yield from repeated(where, "job", (job.get("job_name") for job in content.get("scrape_configs", ())))


def alertmanager_problems(where: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Problems of alertmanager.yml."""
    keys = {"route": dict, "inhibit_rules": list, "receivers": list}
    yield from shaped(where, content, keys, {"global": dict, "time_intervals": list})
    receivers = [receiver.get("name") for receiver in content.get("receivers", ())]
    intervals = [interval.get("name") for interval in content.get("time_intervals", ())]
    yield from repeated(where, "receiver", receivers)
    root = content.get("route", {})
    yield from timed(where, root, "group_wait", "group_interval", "repeat_interval")
    for route in (root, *root.get("routes", ())):
        if route.get("receiver") not in receivers:
            yield f"{where}: no receiver {route.get('receiver')}"
        named = (*route.get("active_time_intervals", ()), *route.get("mute_time_intervals", ()))
        yield from (f"{where}: no time interval {name}" for name in named if name not in intervals)
    for receiver in content.get("receivers", ()):
        yield from shaped(f"{where}: receiver", receiver, {"name": str}, dict.fromkeys(_WAYS, list))


def data_source_problems(where: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Problems of the data sources' file."""
    sources = content.get("datasources", ())
    for key in ("name", "uid"):
        yield from repeated(where, key, (source.get(key) for source in sources))
    if sum(bool(source.get("isDefault")) for source in sources) > 1:
        yield f"{where}: two data sources are the default"
    for source in sources:
        if not UID.fullmatch(str(source.get("uid"))) or not source.get("url") or not source.get("type"):
            yield f"{where}: {source.get('name')} without a usable uid, url or type"


def provider_problems(where: str, content: Mapping[str, Any], alert_folders: Iterable[str]) -> Iterator[str]:
    """Problems of the dashboard providers' file; a folder of alerts with the same title makes two folders."""
    providers = content.get("providers", ())
    taken = set(alert_folders)
    for key in ("name", "folder", "folderUid"):
        yield from repeated(where, key, (provider.get(key) for provider in providers))
    for provider in providers:
        title = str(provider.get("folder"))
        if set("/_") & set(title) or title in taken:
            yield f"{where}: the folder's title {title!r} holds / or _, or is that of a folder of alerts"
        if not provider.get("options", {}).get("path"):
            yield f"{where}: provider {provider.get('name')} without a path"
