"""The exporter's metrics about itself in both formats."""

from __future__ import annotations

import gzip
from threading import Thread

from exporter import naming
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.text_format import EncodedText


def text(encoded: EncodedText) -> str:
    return b"".join(encoded.plain).decode()


def test_gauges_and_counters_are_named_as_each_format_requires() -> None:
    self_metrics = SelfMetrics()
    self_metrics.set(naming.SOURCE_UP, 1, "crm")
    self_metrics.count(naming.REQUESTS, "crm", "2xx", by=3)
    formats = self_metrics.formats()
    plain, strict = text(formats.text), text(formats.openmetrics)
    assert 'kpi_exporter_source_up{source="crm"} 1.0\n' in plain
    assert "# TYPE kpi_exporter_source_requests_total counter" in plain
    assert "# TYPE kpi_exporter_source_requests counter" in strict
    assert 'kpi_exporter_source_requests_total{class="2xx",source="crm"} 3.0\n' in plain
    assert 'kpi_exporter_source_requests_total{class="2xx",source="crm"} 3.0\n' in strict
    assert strict.endswith("# EOF\n")
    assert "EOF" not in plain
    assert gzip.decompress(formats.openmetrics.gzip).decode() == strict


def test_nothing_is_rendered_twice_without_a_change() -> None:
    self_metrics = SelfMetrics()
    self_metrics.set(naming.SERIES, 5)
    first = self_metrics.formats()
    self_metrics.set(naming.SERIES, 5)
    self_metrics.replace(naming.KPI_UP, {})
    assert self_metrics.formats() is first
    self_metrics.set(naming.SERIES, 6)
    assert "kpi_exporter_series 6.0" in text(self_metrics.formats().text)


def test_removed_sources_and_entities_leave_no_series() -> None:
    self_metrics = SelfMetrics()
    for source in ("crm", "phones"):
        self_metrics.set(naming.SOURCE_UP, 1, source)
        self_metrics.count(naming.ERRORS, source, "calls", "timeout")
        self_metrics.set(naming.FAILURES, 0, source, "deals")
        self_metrics.set(naming.FAILURES, 0, source, "leads")
    self_metrics.set(naming.STORE_UP, 1)
    self_metrics.retain(["source"], [("crm",)])
    assert "phones" not in text(self_metrics.formats().text)
    self_metrics.retain(["source", "entity"], [("crm", "deals"), ("crm", "calls")])
    assert self_metrics.value(naming.FAILURES, "crm", "deals") == 0
    assert self_metrics.value(naming.FAILURES, "crm", "leads") is None
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 1
    assert self_metrics.value(naming.STORE_UP) == 1


def test_replacing_a_family_drops_its_other_series() -> None:
    self_metrics = SelfMetrics()
    self_metrics.replace(naming.KPI_UP, {("a",): 1.0, ("b",): 0.0})
    self_metrics.replace(naming.KPI_UP, {("b",): 1.0})
    assert self_metrics.snapshot()[naming.KPI_UP] == {("b",): 1.0}
    assert self_metrics.value(naming.KPI_UP, "a") is None


def test_a_hostile_label_is_sanitised() -> None:
    self_metrics = SelfMetrics()
    self_metrics.set(naming.UNDATED, 2, "deals", "attributes.x\ud800\n")
    assert 'column="attributes.x\ufffd\ufffd"' in text(self_metrics.formats().text)


def test_concurrent_counts_are_not_lost() -> None:
    self_metrics = SelfMetrics()
    threads = [Thread(target=lambda: [self_metrics.count(naming.CLOCK_JUMPS) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert self_metrics.value(naming.CLOCK_JUMPS) == 2000
