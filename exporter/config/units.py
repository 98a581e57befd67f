"""Units of metrics and KPIs that the config does not state, and how units and columns appear in series."""

from __future__ import annotations

import re
from collections.abc import Mapping

from exporter.config.expression import Binary, Constant, Expression, Ref
from exporter.config.metrics import Metric, span_of
from exporter.records import ENTITIES, ColumnKind, column

UNITS = ("count", "ratio", "currency", "seconds", "score", "points")
"""Units with a meaning of their own, such as points from -100 to 100. Any other unit is free text."""

RESERVED_LABELS = frozenset({"period", "team", "person", "kpi", "job", "instance", "le", "quantile"})

_KIND_UNITS = {ColumnKind.MONEY: "currency", ColumnKind.SECONDS: "seconds"}
_NO_UNIT = ""
"""Of constants, and of what is calculated from constants alone."""


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
    unit = _unit(tree, metric_units)
    return "ratio" if unit == _NO_UNIT else unit


def _unit(tree: Expression, metric_units: Mapping[str, str]) -> str | None:
    if isinstance(tree, Constant):
        return _NO_UNIT
    if isinstance(tree, Ref):
        return metric_units[tree.metric]
    left, right = _unit(tree.left, metric_units), _unit(tree.right, metric_units)
    return None if left is None or right is None else _combined(tree, left, right)


def _combined(tree: Binary, left: str, right: str) -> str | None:
    if tree.operator == "/":
        if left == right:
            return "ratio"
        return left if right in (_NO_UNIT, "count", "ratio") else None
    if tree.operator == "*":
        factors = (_NO_UNIT, "ratio")
        return right if left in factors else left if right in factors else None
    if left == right:
        return left
    return left or right if _NO_UNIT in (left, right) else None
