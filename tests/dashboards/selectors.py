"""Which series exist for a config, and which ones an expression uses."""

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

STAND_INS = {
    "__range": "6h",
    "__rate_interval": "10m",
    "__interval": "1h",
    "kpi": "revenue_won",
    "person": "Zoë O'Brien",
    "team": ".*",
}
"""Values for the variables of dashboards."""

_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")


def filled(expr: str, values: Mapping[str, str] = STAND_INS) -> str:
    """The expression as Prometheus gets it; `$1` and the like belong to label_replace."""
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), expr)


def families(config: Config) -> dict[str, Family]:
    """Every series by name: what the exporter exposes, rules record, and Prometheus has of its own."""
    own = (*naming.COMPANY_FAMILIES, *naming.OWN_FAMILIES, *PROMETHEUS_FAMILIES)
    by_scope = (scoped(family, scope) for family in naming.SCOPED for scope in Scope)
    business = (metric_family(config, metric, scope) for metric in config.metrics for scope in Scope)
    recorded = (rule.family for rule in recording_rules(config))
    return {family.name: family for family in (*own, *by_scope, *business, *recorded)}


def selectors(expr: str) -> Iterator[tuple[str, list[str]]]:
    """Names of the series in an expression, each with the labels that are matched. Raises ValueError if it is wrong."""
    yield from _selectors(promql.parse(filled(expr)))


def _selectors(node: Any) -> Iterator[tuple[str, list[str]]]:
    if isinstance(node, promql.VectorSelector):
        yield node.name or "", [matcher.name for matcher in node.matchers.matchers]
    for name in ("vector_selector", "expr", "lhs", "rhs", "param"):
        child = getattr(node, name, None)
        if child is not None:
            yield from _selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from _selectors(child)
