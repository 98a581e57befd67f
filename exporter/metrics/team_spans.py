"""The teams of one person over all time: those that the config dates, and in between those that the sources name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from exporter.metrics.person_records import Human
from exporter.metrics.values import FIRST, LAST


@dataclass(frozen=True, slots=True)
class TeamSpan:
    """The team that a person's records count for during [since, until)."""

    since: datetime
    until: datetime
    team: str | None


NO_TEAM = (TeamSpan(FIRST, LAST, None),)
"""The teams of somebody who is in none."""


def home_spans(human: Human, names: Mapping[str, str]) -> tuple[TeamSpan, ...]:
    """The teams that the sources name, over all time. `names` are the config's teams by their name in lower case."""
    teams = ((since, until, human.team(since)) for since, until in pairwise([*human.changes, LAST]))
    return _joined(TeamSpan(since, until, names.get((team or "").casefold(), team)) for since, until, team in teams)


def with_memberships(homes: Sequence[TeamSpan], memberships: Iterable[TeamSpan]) -> tuple[TeamSpan, ...]:
    """All of time: memberships in order, of overlapping ones the first, and the home teams in between."""
    spans: list[TeamSpan] = []
    end = FIRST
    for membership in sorted(memberships, key=lambda span: span.since):
        since = max(membership.since, end)
        if since < membership.until:
            spans += [*_between(homes, end, since), replace(membership, since=since)]
            end = membership.until
    return (*spans, *_between(homes, end, LAST))


def _between(spans: Iterable[TeamSpan], start: datetime, end: datetime) -> Iterator[TeamSpan]:
    """The parts of the spans that lie in [start, end)."""
    for span in spans:
        since, until = max(span.since, start), min(span.until, end)
        if since < until:
            yield TeamSpan(since, until, span.team)


def _joined(spans: Iterable[TeamSpan]) -> tuple[TeamSpan, ...]:
    """Successive spans with the same team as one."""
    joined: list[TeamSpan] = []
    for span in spans:
        if joined and joined[-1].team == span.team:
            joined[-1] = replace(joined[-1], until=span.until)
        else:
            joined.append(span)
    return tuple(joined)
