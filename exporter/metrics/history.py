"""Questions answered for many instants in a row: every record is read once, then counted in and out.

The answers are those that `evaluate.answer` would give at each instant from one state of the store, so that
fifteen months can be evaluated hour by hour. Only the folding of labels differs: the values with most
records of all time have a place, at every instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.connection import Reader
from exporter.metrics.exchange_rates import Rates
from exporter.metrics.instants import FIRST
from exporter.metrics.loading import load_all
from exporter.metrics.moving import Line, Moving
from exporter.metrics.people import Directory
from exporter.metrics.rows import Shape
from exporter.metrics.tracks import instant_at, micros
from exporter.metrics.values import Answers, Group, Measured, Question
from exporter.records import person_column

_ALWAYS = micros(FIRST)
"""Where the window of a level starts: all rows that are alive at its end count."""

_IDLE = 100
"""A window that was not asked for in so many rounds is forgotten."""


def history(
    reader: Reader,
    config: Config,
    questions_at: Callable[[datetime], Iterable[Question]],
    instants: Iterable[datetime],
    *,
    rates: Rates | None = None,
) -> Iterator[tuple[datetime, Answers]]:
    """Every instant with the answers to its questions, one at a time; fastest where instants rise."""
    records = History(reader, config, rates=rates)
    for instant in instants:
        yield instant, records.ask(questions_at(instant))


@dataclass(slots=True)
class _Window:
    """A window in motion, and the round in which it was last asked for."""

    moving: Moving
    round: int


@dataclass(frozen=True, slots=True)
class _Series:
    """One metric at one scope: its windows in motion by their start, and the names of its groups by era."""

    shape: Shape
    line: Line
    windows: dict[int, list[_Window]] = field(default_factory=dict)
    groups: dict[int, tuple[Group, ...]] = field(default_factory=dict)


class History:
    """All records that the config's metrics count, at the scopes that its KPIs ask for.

    `failed` names the metrics that could not be read; their questions have no answer. Raises ConfigError
    (from a CSV of rates), and QueryError where the store is out of order.
    """

    def __init__(self, reader: Reader, config: Config, *, rates: Rates | None = None) -> None:
        self._config = config
        self._loaded = load_all(reader, config, rates or Rates.load(config))
        self.failed = self._loaded.failed
        self._series: dict[tuple[str, Scope, bool], _Series | None] = {}
        self._round = 0

    @property
    def begins(self) -> datetime | None:
        """When the first record that a metric counts happened; None where there is none."""
        firsts = [line.track.times[0] for line in self._loaded.lines.values() if line.track.times]
        return instant_at(min(firsts)) if firsts else None

    def ask(self, questions: Iterable[Question]) -> Answers:
        """Answers like those of `evaluate.answer`. What did not change since the last round is the same object.

        Raises EvaluationError for a metric or scope that the config does not ask for.
        """
        self._round += 1
        ends = _Ends(self._loaded.directory)
        answers = {q: self._answer(q, ends) for q in questions if q.metric not in self.failed}
        if self._round % _IDLE == 0:
            self._forget()
        return answers

    def _answer(self, question: Question, ends: _Ends) -> Mapping[Group, Measured]:
        key = question.metric, question.scope, question.by
        if key not in self._series:
            self._series[key] = self._found(question)
        series = self._series[key]
        if series is None:
            return {}
        end, era = ends.of(question.window.end)
        start = _ALWAYS if series.line.level else micros(question.window.start)
        if series.shape.scope is not Scope.PERSON:
            era = 0
        if era not in series.groups:
            series.groups[era] = self._named(series.shape, question.window.end)
        return self._moving(series, start, end).read(end, series.groups[era])

    def _found(self, question: Question) -> _Series | None:
        """The series of a question, None where its entity has no owners."""
        metric = self._config.metric_by_name.get(question.metric)
        if metric is None:
            raise EvaluationError(question.metric, "there is no such metric")
        if question.scope is not Scope.COMPANY and person_column(metric.entity) is None:
            return None
        shape = Shape.of(metric, question.scope, question.by)
        line = self._loaded.lines.get((metric.name, shape))
        if line is None:
            raise EvaluationError(metric.name, f"no KPI asks for it at the scope {shape.scope.value}")
        return _Series(shape, line)

    def _moving(self, series: _Series, start: int, end: int) -> Moving:
        """The window of this start that came closest to this end; each goes on where it stands."""
        known = series.windows.setdefault(start, [])
        behind = [window for window in known if window.moving.end <= end]
        if not behind:
            behind = [_Window(Moving(series.line, start), self._round)]
            known += behind
        nearest = behind[0] if len(behind) == 1 else max(behind, key=lambda window: window.moving.end)
        nearest.round = self._round
        return nearest.moving

    def _named(self, shape: Shape, at: datetime) -> tuple[Group, ...]:
        """The group of each code; persons carry the team they are in at the instant."""
        directory, names = self._loaded.directory, self._loaded.names[shape]
        if shape.scope is Scope.PERSON:
            return tuple(Group(directory.team(person, at), directory.label(person)) for (person,) in names)
        if shape.scope is Scope.TEAM:
            return tuple(Group(team=directory.teams[team]) for (team,) in names)
        return tuple(Group(labels=labels) for labels in names)

    def _forget(self) -> None:
        for series in self._series.values():
            if series is not None:
                for start, known in list(series.windows.items()):
                    series.windows[start] = [window for window in known if window.round > self._round - _IDLE]
                    if not series.windows[start]:
                        del series.windows[start]


class _Ends:
    """Ends of windows in microseconds, with their era: worked out once for all questions of a round."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._known: dict[datetime, tuple[int, int]] = {}

    def of(self, end: datetime) -> tuple[int, int]:
        if end not in self._known:
            self._known[end] = micros(end), self._directory.era(end)
        return self._known[end]
