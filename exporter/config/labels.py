"""What metrics bring into the names and labels of series; the names themselves are in exporter.naming."""

from __future__ import annotations

import re

from exporter.config.metrics import Metric
from exporter.config.units import metric_unit

RESERVED_LABELS = frozenset({"period", "team", "person", "kpi", "job", "instance", "le", "quantile"})


def label_name(column: str) -> str:
    """The label for a `by` column: `attributes.Deal Type` becomes `deal_type`."""
    bare = column.removeprefix("attributes.").lower()
    name = re.sub(r"[^a-z0-9_]+", "_", bare).strip("_")
    return name if name and not name[0].isdigit() else f"label_{name}"


def with_unit(metric: Metric, currency: str) -> str:
    """The metric's name with its unit's suffix, once: talk_time in seconds becomes talk_time_seconds."""
    suffixes = {"ratio": "_ratio", "seconds": "_seconds", "currency": f"_{currency.lower()}"}
    suffix = suffixes.get(metric_unit(metric), "")
    return metric.name.removesuffix(suffix) + suffix if suffix else metric.name
