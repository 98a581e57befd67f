"""PromQL as text: quoting, selectors checked against the exposed families, aggregation that drops replicas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from exporter.naming import Family

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\t": r"\t", "\r": r"\r"}


def quote(text: str) -> str:
    """A PromQL string that means exactly `text`, also where Grafana replaces `$name` and `[[name]]` first."""
    escaped = "".join(_ESCAPES.get(char, char) for char in text)
    return '"' + escaped.replace("$", r"\x24").replace("[[", r"\x5b\x5b") + '"'


@dataclass(frozen=True, slots=True)
class Match:
    """One label matcher; `value` is ready PromQL, quotes included."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{self.value}"


def equal(label: str, value: str) -> Match:
    """The label has exactly this value."""
    return Match(label, "=", quote(value))


def one_of(label: str, names: Iterable[str], *, negated: bool = False) -> Match:
    """The label is one (or none) of some identifiers, which need no escaping in a regular expression."""
    known = tuple(dict.fromkeys(names))
    for name in known:
        if not _IDENTIFIER.fullmatch(name):
            raise ValueError(f"{name!r} is not an identifier")
    if len(known) == 1:
        return Match(label, "!=" if negated else "=", quote(known[0]))
    return Match(label, "!~" if negated else "=~", quote("|".join(known)))


def chosen(label: str, variable: str) -> Match:
    """The one value chosen in a dashboard variable, as it is.

    In backquotes, because Grafana's own escaping breaks on an apostrophe, and its `json` format quotes in some
    versions only.
    """
    return Match(label, "=", f"`${{{variable}:raw}}`")


def any_chosen(label: str, variable: str) -> Match:
    """One of the values chosen in a variable that allows several or all."""
    return Match(label, "=~", f"`${{{variable}:regex}}`")


def select(family: Family, *matches: Match) -> str:
    """An instant selector; raises ValueError for a label that the family does not have."""
    for match in matches:
        if match.label not in family.labels:
            raise ValueError(f"{family.name} has no label {match.label}")
    return family.name + (f"{{{','.join(map(str, matches))}}}" if matches else "")


def merged(operator: str, expression: str, by: Iterable[str] = ()) -> str:
    """An aggregation over everything but the labels `by`."""
    labels = ", ".join(by)
    return f"{operator} by ({labels}) ({expression})" if labels else f"{operator}({expression})"


def latest(family: Family, *matches: Match, by: tuple[str, ...] | None = None) -> str:
    """One sample for each value of `by` (default: the family's own labels), whichever replica exposes it."""
    return merged("max", select(family, *matches), family.labels if by is None else by)


def first_of(expression: str, by: Iterable[str]) -> str:
    """One series for each value of `by`, so that a join stays many-to-one while replicas disagree."""
    return f"topk by ({', '.join(by)}) (1, {expression})"


def joined(left: str, right: str, on: Iterable[str], bring: Iterable[str] = ()) -> str:
    """`left` times `right` (one series for each value of `on`), with the labels `bring` taken over from `right`."""
    return f"{left} * on ({', '.join(on)}) group_left ({', '.join(bring)}) {right}"


def labelled(expression: str, label: str, value: str) -> str:
    """The same series with one more label of a fixed value."""
    return f'label_replace({expression}, "{label}", {quote(value.replace("$", "$$"))}, "", "")'
