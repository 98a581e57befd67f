"""The exporter's metrics about itself: set by every thread, rendered by a prometheus-client registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.exposition.text_format import Formats, encode
from exporter.metrics.label_values import label_value
from exporter.naming import OWN_FAMILIES, Family

Labels = tuple[str, ...]


class SelfMetrics:
    """Values of the families in naming.OWN_FAMILIES, by label values in the order of the family's labels."""

    def __init__(self, families: Iterable[Family] = OWN_FAMILIES) -> None:
        self._lock = Lock()
        self._values: dict[Family, dict[Labels, float]] = {family: {} for family in families}
        self._changes = 0
        self._rendered: tuple[int, Formats] = (-1, Formats())
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def set(self, family: Family, value: float, *labels: str) -> None:
        """Sets one series of a gauge."""
        with self._lock:
            if self._values[family].get(labels) != value:
                self._values[family][labels] = value
                self._changes += 1

    def count(self, family: Family, *labels: str, by: float = 1) -> None:
        """Increments one series of a counter; `by` 0 makes it appear."""
        with self._lock:
            values = self._values[family]
            values[labels] = values.get(labels, 0.0) + by
            self._changes += 1

    def replace(self, family: Family, values: Mapping[Labels, float]) -> None:
        """Sets all series of a family; series missing from `values` vanish."""
        with self._lock:
            if self._values[family] != values:
                self._values[family] = dict(values)
                self._changes += 1

    def retain(self, labels: Sequence[str], combinations: Iterable[Labels]) -> None:
        """Drops every series whose values of `labels` are not among `combinations`, such as those of a removed source.

        Families without all of these labels stay as they are.
        """
        retained = frozenset(combinations)
        with self._lock:
            for family, values in self._values.items():
                if all(label in family.labels for label in labels):
                    indexes = [family.labels.index(label) for label in labels]
                    self._values[family] = {
                        key: value for key, value in values.items() if tuple(key[i] for i in indexes) in retained
                    }
            self._changes += 1

    def value(self, family: Family, *labels: str) -> float | None:
        """One number; None if nothing was reported yet."""
        with self._lock:
            return self._values[family].get(labels)

    def snapshot(self) -> dict[Family, dict[Labels, float]]:
        """All current numbers."""
        with self._lock:
            return {family: dict(values) for family, values in self._values.items()}

    def formats(self) -> Formats:
        """The families in both formats, OpenMetrics with its end line; rendered again only after a change."""
        changes = self._changes
        if self._rendered[0] != changes:
            openmetrics: bytes = generate_openmetrics(self._registry)  # type: ignore[no-untyped-call]
            self._rendered = (changes, Formats(encode(generate_latest(self._registry)), encode(openmetrics)))
        return self._rendered[1]

    def collect(self) -> Iterator[Metric]:
        """One prometheus-client family per family that has a number; called by the registry."""
        for family, values in self.snapshot().items():
            if values:
                kind = CounterMetricFamily if family.type == "counter" else GaugeMetricFamily
                metric = kind(family.name, family.help, labels=family.labels)
                for labels, value in sorted(values.items()):
                    metric.add_metric([label_value(label) for label in labels], value)
                yield metric
