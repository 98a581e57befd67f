"""The content of Prometheus' rule files, and of the promtool tests that prove the alert rules by their examples.

The tests check for every alert: it fires on its example, once for two exporters, with exactly these labels and texts;
it does not fire when all is well; and without any data only alerts about missing series fire.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from dashboards.encoding import duration_text, escape_template
from dashboards.rules.groups import RecordingRule
from dashboards.rules.model import AlertRule, Ramp, RuleGroup
from dashboards.rules.texts import example_text, for_prometheus, texts_in
from exporter.config.root import Config

_SAMPLE_SECONDS = 300
"""Time between two samples of a test."""
_EVALUATION_SECONDS = 3600
"""Time between two evaluations. Long, so that an alert that waits for a day is tested in seconds."""
_EVALUATIONS_WITHOUT_ALERT = 4


def recording_file(rules: Iterable[RecordingRule]) -> dict[str, Any]:
    """A rule file with the recording rules."""
    entries = [{"record": rule.family.name, "expr": rule.expr} for rule in rules]
    return {"groups": [{"name": "kpi-recording", "rules": entries}]}


def alert_file(config: Config, groups: Iterable[RuleGroup]) -> dict[str, Any]:
    """A rule file with the alert rules."""
    return {
        "groups": [
            {"name": group.name, "rules": [_alert(config, rule) for rule in group.rules]}
            for group in groups
            if group.rules
        ]
    }


def _alert(config: Config, rule: AlertRule) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **({"for": duration_text(rule.for_)} if rule.for_ else {}),
        **({"keep_firing_for": duration_text(rule.keep_firing_for)} if rule.keep_firing_for else {}),
        "labels": {name: escape_template(value) for name, value in rule.all_labels.items()},
        "annotations": {
            **{name: for_prometheus(sentences) for name, sentences in rule.texts.items()},
            **{name: escape_template(url) for name, url in rule.links(config).items()},
        },
    }


def test_file(config: Config, groups: Iterable[RuleGroup], rule_files: Sequence[str]) -> dict[str, Any]:
    """A test file for `promtool test rules`."""
    rules = [rule for group in groups for rule in group.rules]
    by_name: dict[str, list[AlertRule]] = {}
    for rule in rules:
        by_name.setdefault(rule.name, []).append(rule)
    calm: dict[str, Ramp] = {}
    for rule in rules:
        calm |= rule.examples.silent
    end = _EVALUATIONS_WITHOUT_ALERT
    on_nothing = {name: [rule for rule in alike if rule.examples.fires_on_nothing] for name, alike in by_name.items()}
    return {
        "rule_files": list(rule_files),
        "evaluation_interval": f"{_EVALUATION_SECONDS}s",
        "tests": [
            *(_firing_test(config, name, alike) for name, alike in by_name.items()),
            _test(
                "no alert fires when all is well", calm, end, [_expectation(config, name, end, []) for name in by_name]
            ),
            _test(
                "without data only alerts about missing series fire",
                {},
                end,
                [_expectation(config, name, end, alike) for name, alike in on_nothing.items()],
            ),
        ],
    }


def _firing_test(config: Config, name: str, rules: Sequence[AlertRule]) -> dict[str, Any]:
    end = max(_evaluations(rule.examples.after) + _evaluations(rule.for_) for rule in rules) + 1
    series: dict[str, Ramp] = {}
    for rule in rules:
        for text in texts_in(sentence for sentences in rule.texts.values() for sentence in sentences):
            series |= {selector: Ramp(value) for selector, value in text.example.items()}
        series |= rule.examples.fires
    return _test(f"{name} fires", series, end, [_expectation(config, name, end, rules)])


def _evaluations(span: timedelta) -> int:
    return math.ceil(span.total_seconds() / _EVALUATION_SECONDS)


def _test(name: str, series: Mapping[str, Ramp], end: int, expectations: list[dict[str, Any]]) -> dict[str, Any]:
    """A test whose series last for `end` evaluations."""
    count = end * _EVALUATION_SECONDS // _SAMPLE_SECONDS
    return {
        "name": name,
        "interval": f"{_SAMPLE_SECONDS}s",
        "input_series": [
            {"series": selector, "values": f"{ramp.start:.15g}+{ramp.slope * _SAMPLE_SECONDS:.15g}x{count}"}
            for selector, ramp in series.items()
        ],
        "alert_rule_test": expectations,
    }


def _expectation(config: Config, name: str, end: int, rules: Iterable[AlertRule]) -> dict[str, Any]:
    """These rules, and no others of the name, fire at the end."""
    age = timedelta(seconds=end * _EVALUATION_SECONDS)
    alerts = [
        {
            "exp_labels": {**rule.examples.labels, **rule.all_labels},
            "exp_annotations": {
                **{name: example_text(sentences, age) for name, sentences in rule.texts.items()},
                **rule.links(config),
            },
        }
        for rule in rules
    ]
    return {"eval_time": f"{end * _EVALUATION_SECONDS}s", "alertname": name, "exp_alerts": alerts}
