"""Sentences of alerts: literal text and numbers, as templates of Prometheus and of Grafana.

Prometheus' alert templates have a `query` function. Grafana's do not: they only have `$values`, the results of the
rule's own queries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dashboards.encoding import escape_grafana_template, escape_template
from dashboards.promql import Matcher, select
from exporter.naming import Family


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How a number is shown: template function, unit, and an example with the text that the function makes of it."""

    function: str
    example: float
    example_text: str
    unit: str = ""


SHARE = NumberFormat("humanizePercentage", 0.5, "50%")
DURATION = NumberFormat("humanizeDuration", 90, "1m 30s")
PLAIN = NumberFormat("humanize", 42, "42")


@dataclass(frozen=True, slots=True)
class SeriesValue:
    """The largest value of the selected series, as a formatted number."""

    family: Family
    matchers: tuple[Matcher, ...]
    format: NumberFormat

    @property
    def selector(self) -> str:
        """The PromQL selector of the series."""
        return select(self.family, *self.matchers)


@dataclass(frozen=True, slots=True)
class LabelValue:
    """The value of one of the alert's own labels, and an example of it. Grafana's rules have none of these alerts."""

    label: str
    example: str


@dataclass(frozen=True, slots=True)
class RuleValue:
    """The value of the rule's own expression. Grafana's rules have none of these alerts."""

    format: NumberFormat


Sentence = tuple[str | SeriesValue | LabelValue | RuleValue, ...]


def for_prometheus(sentences: Iterable[Sentence]) -> str:
    """A template that queries Prometheus for each number when the alert is evaluated."""
    return " ".join("".join(map(_prometheus_template, sentence)) for sentence in sentences)


def _prometheus_template(segment: str | SeriesValue | LabelValue | RuleValue) -> str:
    if isinstance(segment, str):
        return escape_template(segment)
    if isinstance(segment, LabelValue):
        return f"{{{{ $labels.{segment.label} }}}}"
    if isinstance(segment, RuleValue):
        return f"{{{{ $value | {segment.format.function} }}}}{escape_template(segment.format.unit)}"
    number = f"{{{{ . | first | value | {segment.format.function} }}}}{escape_template(segment.format.unit)}"
    return f"{{{{ with query `max({segment.selector})` }}}}{number}{{{{ else }}}}unknown{{{{ end }}}}"


def for_grafana(sentences: Iterable[Sentence], query_value: SeriesValue | None) -> str:
    """A template in which `query_value` is the result of query A. Omits sentences with any other number."""
    usable = (
        sentence
        for sentence in sentences
        if all(isinstance(segment, str) or segment == query_value for segment in sentence)
    )
    return " ".join("".join(map(_grafana_template, sentence)) for sentence in usable)


def _grafana_template(segment: str | SeriesValue | LabelValue | RuleValue) -> str:
    if isinstance(segment, str):
        return escape_grafana_template(segment)
    if isinstance(segment, LabelValue):
        return f"{{{{ $labels.{segment.label} }}}}"
    return f"{{{{ $values.A.Value | {segment.format.function} }}}}{escape_grafana_template(segment.format.unit)}"


def example_text(sentences: Iterable[Sentence]) -> str:
    """The text if every number has the example value of its format."""
    return " ".join("".join(map(_example, sentence)) for sentence in sentences)


def _example(segment: str | SeriesValue | LabelValue | RuleValue) -> str:
    if isinstance(segment, str):
        return segment
    if isinstance(segment, LabelValue):
        return segment.example
    return segment.format.example_text + segment.format.unit


def values_in(sentences: Iterable[Sentence]) -> tuple[SeriesValue, ...]:
    """The numbers in the sentences, without repetitions."""
    values = (segment for sentence in sentences for segment in sentence if isinstance(segment, SeriesValue))
    return tuple(dict.fromkeys(values))
