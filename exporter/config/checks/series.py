"""Names and labels of the series that the metrics become."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.view import View
from exporter.config.fields import Period
from exporter.config.labels import RESERVED_LABELS, label_name, with_unit
from exporter.config.positions import Finding
from exporter.records import person_column

_SUFFIXES = ("_total", "_count", "_sum", "_bucket", "_created", "_info")


def errors(view: View) -> Iterator[Finding]:
    """Labels that are taken or meet in one name, and metrics whose series would have the same name."""
    families: dict[str, str] = {}
    for place, metric in view.metrics:
        labels: dict[str, str] = {}
        for position, name in enumerate(metric.by):
            label = label_name(name)
            if label in RESERVED_LABELS:
                cure = "leave it out; team and person have series of their own"
                yield Finding(("metrics", place, "by", position), f"the label {label} is taken", cure)
            elif labels.setdefault(label, name) != name:
                message = f"{labels[label]} and {name} would both become the label {label}"
                yield Finding(("metrics", place, "by", position), message, "keep one of them")
        family = with_unit(metric, view.config.company.currency)
        if families.setdefault(family, metric.name) != metric.name:
            message = f"its series business_{family} are those of {families[family]}"
            yield Finding(("metrics", place, "name"), message, "rename one: the unit is part of a series' name")


def warnings(view: View) -> Iterator[Finding]:
    """Names that Prometheus keeps for other types, periods of levels, people in labels."""
    for place, metric in view.metrics:
        for suffix in _SUFFIXES:
            if with_unit(metric, view.config.company.currency).endswith(suffix):
                message = f"Prometheus keeps the ending {suffix} for other types"
                yield Finding(("metrics", place, "name"), message, f"name it {metric.name.removesuffix(suffix)}")
        if metric.is_level and set(metric.periods) != {Period.DAY, Period.MONTH}:
            yield Finding(("metrics", place, "periods"), "a level is a state, not of a period", "leave it out")
        person = person_column(metric.entity)
        if view.config.privacy.people == "separate" and person in metric.by:
            message = f"by {person} shows single people on /metrics, which privacy.people keeps apart"
            yield Finding(("metrics", place, "by"), message, "leave it out, or set privacy.people: included")
