"""Runs the checks of every subject over a config."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks import alerts, kpis, metrics, names, organisation, sources, target_entries
from exporter.config.checks.context import CheckContext
from exporter.config.positions import Finding

_SUBJECTS = (organisation, sources, names, metrics, kpis, alerts, target_entries)


def errors(context: CheckContext) -> Iterator[Finding]:
    """Findings that make the config unusable. Nothing outside the config is read."""
    for subject in _SUBJECTS:
        yield from subject.errors(context)


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Findings that are valid but probably unintended."""
    for subject in _SUBJECTS:
        yield from subject.warnings(context)
