"""Everything that must fit together across a config: the checks of each subject, in one go."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks import (
    columns,
    company,
    filters,
    mappings,
    names,
    people,
    series,
    sources,
    targets,
    unused,
    values,
)
from exporter.config.checks.view import View
from exporter.config.positions import Finding

_ERRORS = (company, sources, mappings, names, columns, filters, series, values, targets, people)
_WARNINGS = (sources, series, values, targets, people, unused)


def errors(view: View) -> Iterator[Finding]:
    """What makes the config unusable; nothing outside it is looked at."""
    for subject in _ERRORS:
        yield from subject.errors(view)


def warnings(view: View) -> Iterator[Finding]:
    """What is allowed and seldom meant."""
    for subject in _WARNINGS:
        yield from subject.warnings(view)
