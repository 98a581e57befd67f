"""Caches answers for as long as they stay valid, so that an evaluation only asks what may have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.metrics.as_of import events_of
from exporter.metrics.columns import END, ROW, instant_of
from exporter.metrics.connection import Reader
from exporter.metrics.row_versions import newest_state, reads_state
from exporter.metrics.rows import PreparedStatement, QueryShape
from exporter.metrics.values import LAST, Answers, GroupValues, Question, Window

_CacheKey = tuple[str, str, bool, datetime]


@dataclass(frozen=True, slots=True)
class _CachedAnswer:
    """An answer as of `end`, from rows of the given versions; `day` is the local date of `end`."""

    end: datetime
    day: date
    versions: tuple[int, int]
    values: GroupValues


class _Traits(NamedTuple):
    """What decides how long answers about a metric at a scope are valid: events, and entities with versions."""

    shape: QueryShape
    events: frozenset[str]
    with_state: tuple[str, ...]


class AnswerCache:
    """The answers to earlier questions. An answer is valid for a later end of its window as long as

    - the rows of its entity, and the people, are unchanged,
    - no row begins or ends to count in between, and no event happens that the metric reads (`next_change`),
    - no row became what it is after the answer's end, as far as its owner and other state columns matter, nor did
      a person, as far as teams matter, and
    - the local day is the same, because rates and memberships in the config change at midnight.
    """

    def __init__(self, config: Config) -> None:
        self._metrics = config.metric_by_name
        self._zone = config.company.timezone
        self._cache: dict[_CacheKey, _CachedAnswer] = {}
        self._changes: dict[tuple[QueryShape, frozenset[str], int], tuple[datetime, datetime]] = {}
        self._newest: dict[str, tuple[int, datetime | None]] = {}
        self._traits: dict[tuple[str, Scope], _Traits] = {}

    def answers(
        self,
        reader: Reader,
        versions: Mapping[str, int],
        questions: Sequence[Question],
        ask: Callable[[Sequence[Question]], Answers],
    ) -> Answers:
        """The answers to all questions; only those without a valid answer are passed to `ask`.

        A cached answer is the same object as before. Questions that `ask` leaves out have no answer.
        """
        answers: dict[Question, GroupValues] = {}
        unanswered: list[Question] = []
        for question in questions:
            values = self._cached(reader, versions, question)
            if values is None:
                unanswered.append(question)
            else:
                answers[question] = values
        if unanswered:
            new_answers = ask(unanswered)
            answers.update(new_answers)
            for question, values in new_answers.items():
                end, entity = question.window.end, self._metrics[question.metric].entity
                self._cache[_key(question)] = _CachedAnswer(end, self._day(end), _of(entity, versions), values)
        current = set(map(_key, questions))
        self._cache = {key: cached for key, cached in self._cache.items() if key in current}
        return answers

    def _cached(self, reader: Reader, versions: Mapping[str, int], question: Question) -> GroupValues | None:
        metric = self._metrics.get(question.metric)
        cached = self._cache.get(_key(question))
        if metric is None or cached is None or cached.versions != _of(metric.entity, versions):
            return None
        end = question.window.end
        if cached.end == end:
            return cached.values
        if end < cached.end or self._day(end) != cached.day:
            return None
        traits = self._traits_of(metric, question.scope)
        for entity in traits.with_state:
            newest = self._newest_state(reader, entity, versions.get(entity, 0))
            if newest is not None and newest > cached.end:
                return None
        return cached.values if self._next_change(reader, traits, versions, cached.end) > end else None

    def _traits_of(self, metric: Metric, scope: Scope) -> _Traits:
        key = metric.name, scope
        if key not in self._traits:
            shape, with_state = QueryShape.of(metric), tuple(_entities_with_state(metric, scope))
            self._traits[key] = _Traits(shape, events_of(metric), with_state)
        return self._traits[key]

    def _next_change(self, reader: Reader, traits: _Traits, versions: Mapping[str, int], after: datetime) -> datetime:
        """The next change from `after` on. A known one stays valid until it is reached."""
        shape, events, _ = traits
        key = shape, events, versions.get(shape.entity, 0)
        since, change = self._changes.get(key, (None, None))
        if since is None or change is None or not since <= after < change:
            change = next_change(reader, shape, after, events)
            self._changes[key] = after, change
        return change

    def _newest_state(self, reader: Reader, entity: str, version: int) -> datetime | None:
        """`newest_state`, asked once for each version of the entity's rows."""
        if entity not in self._newest or self._newest[entity][0] != version:
            self._newest[entity] = version, newest_state(reader, entity)
        return self._newest[entity][1]

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self._zone).date()


def _entities_with_state(metric: Metric, scope: Scope) -> Iterator[str]:
    """The entities whose versions decide about an answer."""
    if reads_state(metric, scope):
        yield metric.entity
    if scope is not Scope.COMPANY:
        yield "people"


def _key(question: Question) -> _CacheKey:
    return question.metric, question.scope.value, question.by, question.window.start


def _of(entity: str, versions: Mapping[str, int]) -> tuple[int, int]:
    return versions.get(entity, 0), versions.get("people", 0)


def next_change(reader: Reader, shape: QueryShape, after: datetime, events: frozenset[str] = frozenset()) -> datetime:
    """The first instant from `after` on at which a record begins to count, a level ends or one of `events` happens.

    `values.LAST` if there is none. Raises QueryError.
    """
    columns = sorted({shape.opens, *events, *([] if shape.closes is None else [shape.closes])})
    rows = [_first_instant(shape.entity, column).fetch(reader, Window(after, after)) for column in columns]
    return min((row[0].replace(tzinfo=UTC) for (row,) in rows if row[0] is not None), default=LAST)


@lru_cache(maxsize=64)
def _first_instant(entity: str, column: str) -> PreparedStatement:
    instant = instant_of(entity, column)
    query = exp.select(exp.Min(this=instant.copy())).from_(exp.to_table(entity).as_(ROW))
    later = exp.GTE(this=instant.copy(), expression=exp.Placeholder(this=END))
    return PreparedStatement.of(query.where(exp.not_(exp.column("deleted", ROW)), later))
