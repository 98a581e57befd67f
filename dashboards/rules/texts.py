"""Sentences of alerts: literal text with numbers in it, written for each engine's templates.

`query` and `humanize...` are functions of Prometheus' alert templates; Grafana has the latter, and `$values` of the
rule's own query instead of the former.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dashboards.promql import Match, select
from dashboards.quoting import grafana_template, template
from exporter.naming import Family


@dataclass(frozen=True, slots=True)
class Form:
    """How a number reads: the template function, a sample, how that reads, and the unit after it."""

    function: str
    sample: float
    reads: str
    after: str = ""


SHARE = Form("humanizePercentage", 0.5, "50%")
SPAN = Form("humanizeDuration", 90, "1m 30s")
PLAIN = Form("humanize", 42, "42")


@dataclass(frozen=True, slots=True)
class Number:
    """The largest value of a series, in a form that people read."""

    family: Family
    matches: tuple[Match, ...]
    form: Form

    @property
    def selector(self) -> str:
        """The series."""
        return select(self.family, *self.matches)


Sentence = tuple[str | Number, ...]


def for_prometheus(sentences: Iterable[Sentence]) -> str:
    """A template that asks Prometheus for each number when the alert is evaluated."""
    return " ".join("".join(_asked(part) for part in sentence) for sentence in sentences)


def _asked(part: str | Number) -> str:
    if isinstance(part, str):
        return template(part)
    shown = f"{{{{ . | first | value | {part.form.function} }}}}{template(part.form.after)}"
    return f"{{{{ with query `max({part.selector})` }}}}{shown}{{{{ else }}}}unknown{{{{ end }}}}"


def for_grafana(sentences: Iterable[Sentence], own: Number | None) -> str:
    """A template in which `own` is what the rule's query A returns; sentences with other numbers are left out."""
    told = (sentence for sentence in sentences if all(isinstance(part, str) or part == own for part in sentence))
    return " ".join("".join(_valued(part) for part in sentence) for sentence in told)


def _valued(part: str | Number) -> str:
    if isinstance(part, str):
        return grafana_template(part)
    return f"{{{{ $values.A.Value | {part.form.function} }}}}{grafana_template(part.form.after)}"


def rendered(sentences: Iterable[Sentence]) -> str:
    """What a reader sees where every number has its form's sample."""
    return " ".join("".join(map(_sampled, sentence)) for sentence in sentences)


def _sampled(part: str | Number) -> str:
    return part if isinstance(part, str) else part.form.reads + part.form.after


def numbers(sentences: Iterable[Sentence]) -> tuple[Number, ...]:
    """The numbers in them, each once."""
    found = (part for sentence in sentences for part in sentence if isinstance(part, Number))
    return tuple(dict.fromkeys(found))
