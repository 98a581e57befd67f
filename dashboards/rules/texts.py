"""Sentences of alerts, as templates of Prometheus and of Grafana.

A sentence is literal text, labels of the alert, and texts that PromQL makes of series: numbers in their unit,
durations, reasons. The query does the formatting and puts the text into a label, so that both engines say the same and
a text is left out, with the words around it, when there is nothing to say. Prometheus' templates run the query
themselves. Those of Grafana only have `$values`, the results of the rule's own queries, so each text is a further query
of the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from dashboards.encoding import escape_grafana_template, escape_template

TEXT = "text"
"""The label that carries a text."""

FIRST_TEXT_QUERY = "C"
"""Grafana's name of the query of a rule's first text: A is the rule's query, B its condition."""

ExampleTexts = Callable[[timedelta], str]
"""The text that an example gives after its series have lasted so long."""


@dataclass(frozen=True, slots=True)
class SeriesText:
    """The label `text` of the one sample that a query has for each set of the alert's labels `by`.

    `before` and `after` surround it; all three are left out if there is no sample. `example` has constant series by
    their selector, of which the query makes `example_text`; None if it makes nothing of them.
    """

    expr: str
    example: Mapping[str, float]
    example_text: str | ExampleTexts | None
    before: str = ""
    after: str = ""
    by: tuple[str, ...] = field(default=(), kw_only=True)

    def text_at(self, age: timedelta) -> str:
        """The text of the example after its series have lasted so long."""
        if self.example_text is None:
            return ""
        text = self.example_text if isinstance(self.example_text, str) else self.example_text(age)
        return f"{self.before}{text}{self.after}"

    @property
    def always(self) -> str:
        """The query with a sample without the label where it has none.

        Some versions of Grafana take a rule as one without data as soon as one of its queries has none.
        """
        return f"({self.expr}) or on () vector(0)"


@dataclass(frozen=True, slots=True)
class LabelValue:
    """The value of one of the alert's own labels, and an example of it."""

    label: str
    example: str


Segment = str | SeriesText | LabelValue
Sentence = tuple[Segment, ...]


def for_prometheus(sentences: Iterable[Sentence]) -> str:
    """A template that queries Prometheus for each text when the alert is evaluated."""
    return " ".join("".join(map(_prometheus_template, sentence)) for sentence in sentences)


def _prometheus_template(segment: Segment) -> str:
    if isinstance(segment, str):
        return escape_template(segment)
    if isinstance(segment, LabelValue):
        return f"{{{{ $labels.{segment.label} }}}}"
    before, after = escape_template(segment.before), escape_template(segment.after)
    query = "query `" + segment.expr.replace("`", r"\x60") + "`"
    if not segment.by:
        return f'{{{{ with {query} }}}}{before}{{{{ . | first | label "{TEXT}" }}}}{after}{{{{ end }}}}'
    same = " ".join(f"(eq .Labels.{label} $labels.{label})" for label in segment.by)
    sample = f"{{{{ if and true {same} }}}}{before}{{{{ .Labels.{TEXT} }}}}{after}{{{{ end }}}}"
    return f"{{{{ range {query} }}}}{sample}{{{{ end }}}}"


def for_grafana(sentences: Iterable[Sentence], queries: Mapping[str, str]) -> str:
    """A template that takes each text from the rule's query for it; `queries` has their names by expression."""
    return " ".join("".join(_grafana_template(part, queries) for part in sentence) for sentence in sentences)


def _grafana_template(segment: Segment, queries: Mapping[str, str]) -> str:
    """Asks for the value first: there is none at the first evaluation, nor after one that failed."""
    if isinstance(segment, str):
        return escape_grafana_template(segment)
    if isinstance(segment, LabelValue):
        return f"{{{{ $labels.{segment.label} }}}}"
    before, after = escape_grafana_template(segment.before), escape_grafana_template(segment.after)
    text = f"{{{{ with .Labels.{TEXT} }}}}{before}{{{{ . }}}}{after}{{{{ end }}}}"
    return f"{{{{ with $values.{queries[segment.always]} }}}}{text}{{{{ end }}}}"


def text_queries(sentences: Iterable[Sentence]) -> dict[str, str]:
    """The queries that Grafana needs for the texts: a name for each expression."""
    expressions = dict.fromkeys(text.always for text in texts_in(sentences))
    return {expr: chr(ord(FIRST_TEXT_QUERY) + index) for index, expr in enumerate(expressions)}


def texts_in(sentences: Iterable[Sentence]) -> tuple[SeriesText, ...]:
    """The texts of series in the sentences."""
    return tuple(segment for sentence in sentences for segment in sentence if isinstance(segment, SeriesText))


def example_text(sentences: Iterable[Sentence], age: timedelta) -> str:
    """The text after the series of all examples have lasted so long."""
    return " ".join("".join(_example(segment, age) for segment in sentence) for sentence in sentences)


def _example(segment: Segment, age: timedelta) -> str:
    if isinstance(segment, str):
        return segment
    return segment.example if isinstance(segment, LabelValue) else segment.text_at(age)
