"""Rules as files for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboards.quoting import template
from dashboards.rules.links import dashboard_url, panel_url, runbook_url
from dashboards.rules.model import AlertRule, RuleGroup
from dashboards.rules.recording import RecordingRule
from dashboards.rules.texts import for_prometheus
from dashboards.timing import compact
from exporter.config.root import Config


def recording_file(rules: Iterable[RecordingRule]) -> dict[str, Any]:
    """The content of a rule file with the recording rules."""
    entries = [{"record": rule.family.name, "expr": rule.expr} for rule in rules]
    return {"groups": [{"name": "kpi-recording", "rules": entries}]}


def alert_file(config: Config, groups: Iterable[RuleGroup]) -> dict[str, Any]:
    """The content of a rule file with the alert rules."""
    return {
        "groups": [
            {"name": group.name, "rules": [_alert(config, rule) for rule in group.rules]}
            for group in groups
            if group.rules
        ]
    }


def _alert(config: Config, rule: AlertRule) -> dict[str, Any]:
    waits = {"for": compact(rule.hold)} if rule.hold else {}
    keeps = {"keep_firing_for": compact(rule.keep)} if rule.keep else {}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **waits,
        **keeps,
        "labels": {name: template(value) for name, value in rule.all_labels.items()},
        "annotations": texts(config, rule),
    }


def texts(config: Config, rule: AlertRule) -> dict[str, str]:
    """What a person reads, as Prometheus' templates."""
    return {
        "summary": for_prometheus([rule.summary]),
        "description": for_prometheus(rule.description),
        "dashboard_url": template(dashboard_url(config, rule.place)),
        "panel_url": template(panel_url(config, rule.place)),
        "runbook_url": runbook_url(config, rule.name),
    }
