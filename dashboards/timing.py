"""Durations as Prometheus, Alertmanager and Grafana write them."""

from __future__ import annotations

from datetime import timedelta

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def compact(span: timedelta) -> str:
    """The span in its largest whole unit: `90s`, `15m`, `1h`, `400d`."""
    milliseconds = round(span.total_seconds() * 1000)
    if not milliseconds:
        return "0s"
    return next(f"{milliseconds // size}{unit}" for unit, size in _UNITS if milliseconds % size == 0)


def seconds(span: timedelta) -> str:
    """The span as a plain number of seconds, for PromQL."""
    return f"{span.total_seconds():g}" if span.total_seconds() < 1e5 else str(round(span.total_seconds()))
