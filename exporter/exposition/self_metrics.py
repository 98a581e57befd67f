"""The exporter's own numbers: written by every thread, exposed through a prometheus-client registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.exposition.render import compress
from exporter.exposition.snapshot import Document, Formats
from exporter.exposition.text import label_value
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
        self._registry.register(_Collector(self))

    def set(self, family: Family, value: float, *labels: str) -> None:
        """Puts one gauge."""
        with self._lock:
            if self._values[family].get(labels) != value:
                self._values[family][labels] = value
                self._changes += 1

    def count(self, family: Family, *labels: str, by: float = 1) -> None:
        """Moves one counter on; `by` 0 makes it known."""
        with self._lock:
            values = self._values[family]
            values[labels] = values.get(labels, 0.0) + by
            self._changes += 1

    def replace(self, family: Family, values: Mapping[Labels, float]) -> None:
        """Puts all series of a family; those not named vanish."""
        with self._lock:
            if self._values[family] != values:
                self._values[family] = dict(values)
                self._changes += 1

    def keep(self, labels: Sequence[str], known: Iterable[Labels]) -> None:
        """Forgets every series whose `labels` are none of the `known`: what a reload took away leaves no ghost.

        Families that do not carry all of these labels stay as they are.
        """
        kept = frozenset(known)
        with self._lock:
            for family, values in self._values.items():
                if all(label in family.labels for label in labels):
                    places = [family.labels.index(label) for label in labels]
                    alive = {key: value for key, value in values.items() if tuple(key[p] for p in places) in kept}
                    self._values[family] = alive
            self._changes += 1

    def value(self, family: Family, *labels: str) -> float | None:
        """One number, None where nothing was reported yet."""
        with self._lock:
            return self._values[family].get(labels)

    def snapshot(self) -> dict[Family, dict[Labels, float]]:
        """All numbers as they stand."""
        with self._lock:
            return {family: dict(values) for family, values in self._values.items()}

    def formats(self) -> Formats:
        """The families in both formats, OpenMetrics with its end mark; rendered anew only after a change."""
        changes = self._changes
        if self._rendered[0] != changes:
            self._rendered = (changes, self._render())
        return self._rendered[1]

    def _render(self) -> Formats:
        openmetrics: bytes = generate_openmetrics(self._registry)  # type: ignore[no-untyped-call]
        return Formats(_document(generate_latest(self._registry)), _document(openmetrics))


def _document(plain: bytes) -> Document:
    return Document((plain,), compress(plain))


class _Collector:
    """What the registry asks at each rendering."""

    def __init__(self, self_metrics: SelfMetrics) -> None:
        self._self_metrics = self_metrics

    def collect(self) -> Iterator[Metric]:
        """One prometheus-client family per family that has a number."""
        for family, values in self._self_metrics.snapshot().items():
            if values:
                kind = CounterMetricFamily if family.type == "counter" else GaugeMetricFamily
                metric = kind(family.name, family.help, labels=family.labels)
                for labels, value in sorted(values.items()):
                    metric.add_metric([label_value(label) for label in labels], value)
                yield metric
