"""The series that exist for a config, and those that an expression selects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser as promql

from dashboards.promql import ALERTS, RULE_FAILURES, SAMPLES_DUPLICATE, SAMPLES_OUT_OF_BOUNDS, SCRAPE_DURATION
from dashboards.rules.groups import recording_rules
from exporter import naming
from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.naming import Family, metric_family, scoped

PROMETHEUS_FAMILIES = (ALERTS, SCRAPE_DURATION, RULE_FAILURES, SAMPLES_DUPLICATE, SAMPLES_OUT_OF_BOUNDS)
"""Families of Prometheus itself."""

VARIABLE_VALUES = {
    "__range": "6h",
    "__rate_interval": "10m",
    "__interval": "1h",
    "__interval_ms": "3600000",
    "__to": "86400",
    "kpi": "revenue_won",
    "objective": "grow",
    "person": "Zoë O'Brien",
    "team": ".*",
}
"""Values for the variables of dashboards."""

VARIABLE = re.compile(r"\$\{(\w+)(?::[\w:]+)?\}|\$(\w+)")


def with_variables(expr: str, values: Mapping[str, str] = VARIABLE_VALUES) -> str:
    """The expression with dashboard variables replaced. `$1` and the like belong to label_replace and stay."""
    return VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), expr)


def families(config: Config) -> dict[str, Family]:
    """Every family by name: those of the exporter, of recording rules, and of Prometheus."""
    fixed = (
        *naming.COMPANY_FAMILIES,
        naming.PERSON_EMAIL,
        *naming.SIGNAL_FAMILIES,
        *naming.OWN_FAMILIES,
        *PROMETHEUS_FAMILIES,
    )
    by_scope = (scoped(family, scope) for family in naming.SCOPED for scope in Scope)
    business = (metric_family(config, metric, scope) for metric in config.metrics for scope in Scope)
    recorded = (rule.family for rule in recording_rules(config))
    return {family.name: family for family in (*fixed, *by_scope, *business, *recorded)}


def selectors(expr: str) -> Iterator[tuple[str, list[str]]]:
    """The series names in an expression, each with its label matchers. Raises ValueError if it does not parse."""
    yield from _selectors(promql.parse(with_variables(expr)))


def _selectors(node: Any) -> Iterator[tuple[str, list[str]]]:
    if isinstance(node, promql.VectorSelector):
        yield node.name or "", [matcher.name for matcher in node.matchers.matchers]
    for name in ("vector_selector", "expr", "lhs", "rhs", "param"):
        child = getattr(node, name, None)
        if child is not None:
            yield from _selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from _selectors(child)
