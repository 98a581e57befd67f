"""Units of metrics and KPIs that the config does not state, and how units and columns appear in series."""

from __future__ import annotations

import re
from collections.abc import Mapping

from exporter.config.expression import Binary, Constant, Expression, Ref
from exporter.config.metrics import Metric, span_of
from exporter.records import ENTITIES, ColumnKind, column

NUMBER = "number"
"""The unit of a plain number, such as a quotient of two counts. It becomes a percentage only with `unit: ratio`."""

UNITS = ("count", "number", "ratio", "currency", "seconds", "score", "points")
"""Units with a meaning of their own, such as points from -100 to 100. Any other unit is free text."""

RESERVED_LABELS = frozenset({"period", "team", "person", "kpi", "job", "instance", "le", "quantile"})

_KIND_UNITS = {ColumnKind.MONEY: "currency", ColumnKind.SECONDS: "seconds"}


def metric_unit(metric: Metric) -> str:
    """One of UNITS or free text."""
    if metric.unit is not None:
        return metric.unit
    if metric.measured is None or metric.aggregate == "distinct":
        return "count"
    if span_of(metric.measured):
        return "seconds"
    measured = column(metric.entity, metric.measured) if metric.entity in ENTITIES else None
    if measured and measured.kind in _KIND_UNITS:
        return _KIND_UNITS[measured.kind]
    if metric.aggregate == "sum":
        return "count"
    return "ratio" if measured and measured.kind is ColumnKind.FLAG else "score"


def unit_in_formulas(metric: Metric) -> str:
    """The metric's unit as a KPI takes it over: a share is a percentage only if the config says so."""
    unit = metric_unit(metric)
    return NUMBER if unit == "ratio" and metric.unit is None else unit


def with_unit(metric: Metric, currency: str) -> str:
    """The metric's name with the suffix of its unit: talk_time in seconds becomes talk_time_seconds."""
    suffixes = {"ratio": "_ratio", "seconds": "_seconds", "currency": f"_{currency.lower()}"}
    suffix = suffixes.get(metric_unit(metric), "")
    return metric.name.removesuffix(suffix) + suffix if suffix else metric.name


def label_name(column: str) -> str:
    """The label for a `by` column: `attributes.Deal Type` becomes `deal_type`."""
    bare = column.removeprefix("attributes.").lower()
    name = re.sub(r"[^a-z0-9_]+", "_", bare).strip("_")
    return name if name and not name[0].isdigit() else f"label_{name}"


def unit_of(tree: Expression, metric_units: Mapping[str, str]) -> str | None:
    """The unit of an expression; None if there is none, as for currency plus seconds or count times count."""
    if isinstance(tree, Constant):
        return NUMBER
    if isinstance(tree, Ref):
        return metric_units[tree.metric]
    left, right = unit_of(tree.left, metric_units), unit_of(tree.right, metric_units)
    return None if left is None or right is None else _combined(tree, left, right)


def _combined(tree: Binary, left: str, right: str) -> str | None:
    if tree.operator == "/":
        if left == right:
            return NUMBER
        return left if right in (NUMBER, "count", "ratio") else None
    if tree.operator == "*":
        factors = (NUMBER, "ratio")
        return right if left in factors else left if right in factors else None
    if left == right:
        return left
    if NUMBER in (left, right):
        return right if left == NUMBER else left
    return None
