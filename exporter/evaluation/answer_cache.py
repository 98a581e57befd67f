"""Answers remembered for as long as they stay true, so that an evaluation asks only what may have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.evaluation.horizon import next_event
from exporter.metrics.connection import Reader
from exporter.metrics.rows import Shape
from exporter.metrics.values import Answers, Group, Measured, Question

_Key = tuple[str, str, bool, datetime]
_Answer = Mapping[Group, Measured]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer as of `end`, given by rows of version `stamp`; `day` is the local date of `end`."""

    end: datetime
    day: date
    stamp: object
    answer: _Answer


class Recall:
    """What was answered before. An answer holds for a later end of its window while

    - the rows of its entity, and the people, are the same,
    - no row begins or ends to count in between (`next_event`), and
    - it is the same local day, since rates and memberships change at midnight.
    """

    def __init__(self, config: Config) -> None:
        self._metrics = config.metric_by_name
        self._zone = config.company.timezone
        self._kept: dict[_Key, _Kept] = {}
        self._events: dict[tuple[Shape, int], tuple[datetime, datetime]] = {}

    def answers(
        self,
        reader: Reader,
        versions: Mapping[str, int],
        questions: Sequence[Question],
        ask: Callable[[Sequence[Question]], Answers],
    ) -> Answers:
        """The answers of all questions; only what is not known any more goes to `ask`.

        An answer that is still true is the very object given before. Questions that `ask` leaves out have none.
        """
        found: dict[Question, _Answer] = {}
        unknown: list[Question] = []
        for question in questions:
            kept = self._recall(reader, versions, question)
            if kept is None:
                unknown.append(question)
            else:
                found[question] = kept
        if unknown:
            fresh = ask(unknown)
            found.update(fresh)
            self._keep(versions, fresh)
        self._forget(questions)
        return found

    def _recall(self, reader: Reader, versions: Mapping[str, int], question: Question) -> _Answer | None:
        metric = self._metrics.get(question.metric)
        kept = self._kept.get(_key(question))
        if metric is None or kept is None or kept.stamp != _stamp(metric, versions):
            return None
        end = question.window.end
        if kept.end == end:
            return kept.answer
        if end < kept.end or self._day(end) != kept.day:
            return None
        return kept.answer if self._next(reader, metric, versions, kept.end) > end else None

    def _next(self, reader: Reader, metric: Metric, versions: Mapping[str, int], after: datetime) -> datetime:
        """The next event from `after` on; what was found from an earlier instant still holds until it is reached."""
        shape = Shape.of(metric)
        key = shape, versions.get(metric.entity, 0)
        since, event = self._events.get(key, (None, None))
        if since is None or event is None or not since <= after < event:
            event = next_event(reader, shape, after)
            self._events[key] = after, event
        return event

    def _keep(self, versions: Mapping[str, int], fresh: Answers) -> None:
        for question, answer in fresh.items():
            metric = self._metrics[question.metric]
            end = question.window.end
            self._kept[_key(question)] = _Kept(end, self._day(end), _stamp(metric, versions), answer)

    def _forget(self, questions: Iterable[Question]) -> None:
        asked = set(map(_key, questions))
        self._kept = {key: kept for key, kept in self._kept.items() if key in asked}

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self._zone).date()


def _key(question: Question) -> _Key:
    return question.metric, question.scope.value, question.by, question.window.start


def _stamp(metric: Metric, versions: Mapping[str, int]) -> tuple[int, int]:
    return versions.get(metric.entity, 0), versions.get("people", 0)
