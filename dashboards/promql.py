"""PromQL as text: quoting, selectors checked against known families, aggregations over replicas.

Also the families that `exporter.naming` does not know: those of Prometheus itself and of the recording rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.config.fields import Scope
from exporter.naming import SCOPE_LABELS, Family

ALERTS = Family(
    "ALERTS",
    "1 for each pending or firing alert.",
    ("alertname", "alertstate", "severity", "kpi", "team", "person", "owner", "department", "source"),
)
SCRAPE_DURATION = Family("scrape_duration_seconds", "Duration of the last scrape.", ("job", "instance"))
RULE_FAILURES = Family(
    "prometheus_rule_evaluation_failures_total", "Failed rule evaluations.", ("rule_group",), "counter"
)
SAMPLES_DUPLICATE = Family(
    "prometheus_target_scrapes_sample_duplicate_timestamp_total", "Samples dropped as duplicates.", (), "counter"
)
SAMPLES_OUT_OF_BOUNDS = Family(
    "prometheus_target_scrapes_sample_out_of_bounds_total", "Samples dropped for their timestamp.", (), "counter"
)

_SHARE = "Share of the KPIs with a verdict that are on track or exceeded."
_SCORE = "Mean target ratio of the KPIs, each limited to 0 to 1."
COMPANY_ON_TARGET = Family("company:kpi_on_target:ratio", _SHARE)
DEPARTMENT_ON_TARGET = Family("department:kpi_on_target:ratio", _SHARE, ("department",))
TEAM_SCORE = Family("team:kpi_score:avg", _SCORE, SCOPE_LABELS[Scope.TEAM])
PERSON_SCORE = Family("person:kpi_score:avg", _SCORE, SCOPE_LABELS[Scope.PERSON])

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\t": r"\t", "\r": r"\r"}


def quote(text: str) -> str:
    """A PromQL string for exactly `text`, even after Grafana has replaced `$name` and `[[name]]`."""
    escaped = "".join(_ESCAPES.get(char, char) for char in text)
    return '"' + escaped.replace("$", r"\x24").replace("[[", r"\x5b\x5b") + '"'


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher. `value` is PromQL, quotes included."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{self.value}"


def equals(label: str, value: str) -> Matcher:
    """Matches exactly this label value."""
    return Matcher(label, "=", quote(value))


def one_of(label: str, names: Iterable[str]) -> Matcher:
    """Matches any of these identifiers, which need no escaping in a regular expression."""
    identifiers = tuple(dict.fromkeys(names))
    for name in identifiers:
        if not _IDENTIFIER.fullmatch(name):
            raise ValueError(f"{name!r} is not an identifier")
    return Matcher(label, "=" if len(identifiers) == 1 else "=~", quote("|".join(identifiers)))


def equals_variable(label: str, variable: str) -> Matcher:
    """Matches the value selected in a dashboard variable, unchanged.

    In backquotes, because Grafana's own escaping breaks on an apostrophe, and its `json` format adds quotes in some
    versions only.
    """
    return Matcher(label, "=", f"`${{{variable}:raw}}`")


def matches_variable(label: str, variable: str) -> Matcher:
    """Matches any value selected in a dashboard variable that allows several."""
    return Matcher(label, "=~", f"`${{{variable}:regex}}`")


def select(family: Family, *matchers: Matcher) -> str:
    """An instant selector. Raises ValueError for a label that the family does not have."""
    for matcher in matchers:
        if matcher.label not in family.labels:
            raise ValueError(f"{family.name} has no label {matcher.label}")
    return family.name + (f"{{{','.join(map(str, matchers))}}}" if matchers else "")


def aggregate(operator: str, expression: str, by: Iterable[str] = ()) -> str:
    """An aggregation that keeps only the labels `by`."""
    labels = ", ".join(by)
    return f"{operator} by ({labels}) ({expression})" if labels else f"{operator}({expression})"


def latest(family: Family, *matchers: Matcher, by: tuple[str, ...] | None = None) -> str:
    """One sample for each value of `by` (default: the family's labels), whichever replica exposes it."""
    return aggregate("max", select(family, *matchers), family.labels if by is None else by)


def one_series_for_each(expression: str, by: Iterable[str]) -> str:
    """One series for each value of `by`, so that a join stays many-to-one while replicas disagree."""
    return f"topk by ({', '.join(by)}) (1, {expression})"


def join(left: str, right: str, on: Iterable[str], bring: Iterable[str] = ()) -> str:
    """`left` times `right` (one series for each value of `on`), with the labels `bring` copied from `right`."""
    return f"{left} * on ({', '.join(on)}) group_left ({', '.join(bring)}) {right}"


def with_label(expression: str, label: str, value: str) -> str:
    """The same series with one more label of a fixed value."""
    return f'label_replace({expression}, "{label}", {quote(value.replace("$", "$$"))}, "", "")'


def named(expression: str, label: str, texts: Mapping[str, str], text_label: str) -> str:
    """The series with one of these values of `label`, with its text as `text_label`."""
    table = " or ".join(
        with_label(with_label("vector(1)", label, value), text_label, text) for value, text in texts.items()
    )
    return join(f"({expression})", f"({table})", (label,), (text_label,))
