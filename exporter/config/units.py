"""In which unit a metric or KPI is counted when the config does not say."""

from __future__ import annotations

from collections.abc import Callable

from exporter.config.expression import Binary, Constant, Expression, Ref
from exporter.config.metrics import Metric, span_of
from exporter.records import ENTITIES, Kind, column

UNITS = ("count", "ratio", "currency", "seconds", "score")
"""Units that have a meaning of their own; any other word is shown as it is."""

_UNITS = {Kind.MONEY: "currency", Kind.SECONDS: "seconds"}
_PURE = ""


def metric_unit(metric: Metric) -> str:
    """count, ratio, currency, seconds, score or free text."""
    if metric.unit is not None:
        return metric.unit
    if metric.measured is None or metric.aggregate == "distinct":
        return "count"
    if span_of(metric.measured):
        return "seconds"
    measured = column(metric.entity, metric.measured) if metric.entity in ENTITIES else None
    if measured and measured.kind in _UNITS:
        return _UNITS[measured.kind]
    if metric.aggregate == "sum":
        return "count"
    return "ratio" if measured and measured.kind is Kind.FLAG else "score"


def unit_of(tree: Expression, unit_of_metric: Callable[[str], str]) -> str | None:
    """The unit that follows from the parts; None where none does (currency plus seconds, count times count)."""
    unit = _unit(tree, unit_of_metric)
    return "ratio" if unit == _PURE else unit


def _unit(tree: Expression, unit_of_metric: Callable[[str], str]) -> str | None:
    if isinstance(tree, Constant):
        return _PURE
    if isinstance(tree, Ref):
        return unit_of_metric(tree.metric)
    left, right = _unit(tree.left, unit_of_metric), _unit(tree.right, unit_of_metric)
    if left is None or right is None:
        return None
    return _combined(tree, left, right)


def _combined(tree: Binary, left: str, right: str) -> str | None:
    if tree.operator == "/":
        if left == right:
            return "ratio"
        return left if right in (_PURE, "count", "ratio") else None
    if tree.operator == "*":
        pure = (_PURE, "ratio")
        return right if left in pure else left if right in pure else None
    if left == right:
        return left
    return left or right if _PURE in (left, right) else None
