"""The proof of the alert rules: a test file for promtool, made from the rules' own examples.

For every alert: it fires on its example, with exactly these labels and texts, once for two exporters; it stays silent
where all is well; and nothing but what is about absence fires where there is no data at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from dashboards.rules.links import dashboard_url, panel_url, runbook_url
from dashboards.rules.model import AlertRule, Course, RuleGroup
from dashboards.rules.texts import numbers, rendered
from exporter.config.root import Config

_SAMPLED = 300
"""Seconds between two samples."""
_EVALUATED = 3600
"""Seconds between two evaluations: rare, so that an alert that waits for a day is proven in seconds."""
_CALM = 4


def test_file(config: Config, groups: Iterable[RuleGroup], rule_files: Sequence[str]) -> dict[str, Any]:
    """The content of a test file for `promtool test rules`."""
    rules = [rule for group in groups for rule in group.rules]
    by_name: dict[str, list[AlertRule]] = {}
    for rule in rules:
        by_name.setdefault(rule.name, []).append(rule)
    return {
        "rule_files": list(rule_files),
        "evaluation_interval": f"{_EVALUATED}s",
        "tests": [
            *(_fires(config, name, alike) for name, alike in by_name.items()),
            _quiet(rules, by_name),
            _nothing(config, by_name),
        ],
    }


def _fires(config: Config, name: str, rules: Sequence[AlertRule]) -> dict[str, Any]:
    end = max(_evaluations(rule.examples.after) + _evaluations(rule.hold) for rule in rules) + 1
    series: dict[str, Course] = {}
    for rule in rules:
        told = numbers([rule.summary, *rule.description])
        series |= {number.selector: Course(number.form.sample) for number in told}
        series |= rule.examples.fires
    return {
        "name": f"{name} fires",
        "interval": f"{_SAMPLED}s",
        "input_series": _written(series, end),
        "alert_rule_test": [_expected(config, name, rules, end)],
    }


def _quiet(rules: Iterable[AlertRule], names: Iterable[str]) -> dict[str, Any]:
    series: dict[str, Course] = {}
    for rule in rules:
        series |= rule.examples.silent
    return {
        "name": "all is well: every alert stays silent",
        "interval": f"{_SAMPLED}s",
        "input_series": _written(series, _CALM),
        "alert_rule_test": [_expectation(name, _CALM, []) for name in names],
    }


def _nothing(config: Config, by_name: Mapping[str, Sequence[AlertRule]]) -> dict[str, Any]:
    return {
        "name": "no data at all: only what is about absence fires",
        "interval": f"{_SAMPLED}s",
        "input_series": [],
        "alert_rule_test": [
            _expected(config, name, [rule for rule in rules if rule.examples.fires_on_nothing], _CALM)
            for name, rules in by_name.items()
        ],
    }


def _evaluations(span: timedelta) -> int:
    return math.ceil(span.total_seconds() / _EVALUATED)


def _written(series: Mapping[str, Course], evaluations: int) -> list[dict[str, str]]:
    samples = evaluations * _EVALUATED // _SAMPLED
    return [{"series": name, "values": _values(course, samples)} for name, course in series.items()]


def _values(course: Course, samples: int) -> str:
    return f"{course.start:.15g}+{course.rise * _SAMPLED:.15g}x{samples}"


def _expected(config: Config, name: str, rules: Iterable[AlertRule], at: int) -> dict[str, Any]:
    return _expectation(name, at, [_firing(config, rule) for rule in rules])


def _expectation(name: str, at: int, alerts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"eval_time": f"{at * _EVALUATED}s", "alertname": name, "exp_alerts": alerts}


def _firing(config: Config, rule: AlertRule) -> dict[str, Any]:
    return {
        "exp_labels": {**rule.examples.labels, **rule.all_labels},
        "exp_annotations": {
            "summary": rendered([rule.summary]),
            "description": rendered(rule.description),
            "dashboard_url": dashboard_url(config, rule.place),
            "panel_url": panel_url(config, rule.place),
            "runbook_url": runbook_url(config, rule.name),
        },
    }
