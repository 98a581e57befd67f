"""Sentences for the operator about files that were changed and that the exporter does not use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exporter import naming
from exporter.exposition.self_metrics import Labels
from exporter.naming import Family


def rejections(self_metrics: Mapping[Family, Mapping[Labels, float]]) -> Iterator[str]:
    """A sentence for each file that was rejected."""
    if 0 in self_metrics.get(naming.RELOAD_SUCCESS, {}).values():
        yield "The config was changed and rejected: the previous one stays active. kpi-exporter check has its problems."
    if 0 in self_metrics.get(naming.WEB_RELOAD_SUCCESS, {}).values():
        yield "The web config or one of its files was changed and rejected: the previous one stays active. See the log."
    for (source,), usable in self_metrics.get(naming.PUSH_TOKEN_USABLE, {}).items():
        if not usable:
            yield f"The token of {source} cannot be used, and its posts get 503: see the log."
