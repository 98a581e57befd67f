"""Answers questions for many instants in a row: every record is read once, then added and removed as time moves.

The answers are those that `evaluate.answer_questions` would give at each instant from one state of the store, but
fast enough to evaluate fifteen months hourly. Only the folding of labels differs: at every instant the values with
the most records of all time are retained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.connection import Reader
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.loading import load_all
from exporter.metrics.moving import MetricTrack, MovingWindow
from exporter.metrics.people import Directory
from exporter.metrics.rows import QueryShape
from exporter.metrics.tracks import instant_at, micros
from exporter.metrics.values import FIRST, Answers, Group, MeasuredValue, Question, RosterAt
from exporter.records import person_column

_ALWAYS = micros(FIRST)
"""The start of a level's window: all rows that are open at its end count."""

_IDLE = 100
"""A window that was not used for this many rounds is deleted."""


@dataclass(slots=True)
class _TimedWindow:
    """A moving window, and the round in which it was last used."""

    moving: MovingWindow
    round: int


@dataclass(frozen=True, slots=True)
class _SeriesWindows:
    """One metric at one scope: its moving windows by start, and the names of its groups by era."""

    shape: QueryShape
    track: MetricTrack
    windows: dict[int, list[_TimedWindow]] = field(default_factory=dict)
    groups: dict[int, tuple[Group, ...]] = field(default_factory=dict)


class RecordReplay:
    """All records that the config's metrics count, at the scopes that its KPIs have.

    `failed` names the metrics that could not be read; their questions have no answer. Raises ConfigError for a
    faulty CSV of rates, and QueryError if the store cannot be read.
    """

    def __init__(self, reader: Reader, config: Config, *, rates: ExchangeRates | None = None) -> None:
        self._config = config
        self._loaded = load_all(reader, config, rates or ExchangeRates.load(config))
        self.failed = self._loaded.failed
        self._series: dict[tuple[str, Scope, bool], _SeriesWindows | None] = {}
        self._round = 0

    @property
    def begins(self) -> datetime | None:
        """The time of the first record that a metric counts; None if there is none."""
        firsts = [track.track.times[0] for track in self._loaded.tracks.values() if track.track.times]
        return instant_at(min(firsts)) if firsts else None

    @property
    def roster_at(self) -> RosterAt:
        """Who is in which team at an instant."""
        return self._loaded.directory.roster

    def ask(self, questions: Iterable[Question]) -> Answers:
        """Answers like those of `evaluate.answer_questions`. Unchanged answers are the same objects as before.

        Raises EvaluationError for a metric that does not exist, or a scope that no KPI has.
        """
        self._round += 1
        converted_ends = _Ends(self._loaded.directory)
        answers = {q: self._answer(q, converted_ends) for q in questions if q.metric not in self.failed}
        if self._round % _IDLE == 0:
            self._forget()
        return answers

    def _answer(self, question: Question, converted_ends: _Ends) -> Mapping[Group, MeasuredValue]:
        key = question.metric, question.scope, question.by
        if key not in self._series:
            self._series[key] = self._resolve(question)
        series = self._series[key]
        if series is None:
            return {}
        end, era = converted_ends.of(question.window.end)
        start = _ALWAYS if series.track.level else micros(question.window.start)
        if series.shape.scope is not Scope.PERSON:
            era = 0
        if era not in series.groups:
            series.groups[era] = self._named(series.shape, question.window.end)
        return self._moving(series, start, end).read(end, series.groups[era])

    def _resolve(self, question: Question) -> _SeriesWindows | None:
        """The series of a question, None if its entity has no owners."""
        metric = self._config.metric_by_name.get(question.metric)
        if metric is None:
            raise EvaluationError(question.metric, "there is no such metric")
        if question.scope is not Scope.COMPANY and person_column(metric.entity) is None:
            return None
        shape = QueryShape.of(metric, question.scope, question.by)
        track = self._loaded.tracks.get((metric.name, shape))
        if track is None:
            raise EvaluationError(metric.name, f"no KPI has the scope {shape.scope.value} for it")
        return _SeriesWindows(shape, track)

    def _moving(self, series: _SeriesWindows, start: int, end: int) -> MovingWindow:
        """The window with this start that is closest to this end; each continues where it is."""
        windows = series.windows.setdefault(start, [])
        earlier = [window for window in windows if window.moving.end <= end]
        if not earlier:
            earlier = [_TimedWindow(MovingWindow(series.track, start), self._round)]
            windows += earlier
        nearest = earlier[0] if len(earlier) == 1 else max(earlier, key=lambda window: window.moving.end)
        nearest.round = self._round
        return nearest.moving

    def _named(self, shape: QueryShape, at: datetime) -> tuple[Group, ...]:
        """The group of each code; persons have the team they are in at the instant."""
        directory, names = self._loaded.directory, self._loaded.names[shape]
        if shape.scope is Scope.PERSON:
            return tuple(Group(directory.team(person, at), directory.label(person)) for (person,) in names)
        if shape.scope is Scope.TEAM:
            return tuple(Group(team=directory.teams[team]) for (team,) in names)
        return tuple(Group(labels=labels) for labels in names)

    def _forget(self) -> None:
        for series in self._series.values():
            if series is not None:
                for start, windows in list(series.windows.items()):
                    series.windows[start] = [window for window in windows if window.round > self._round - _IDLE]
                    if not series.windows[start]:
                        del series.windows[start]


class _Ends:
    """Ends of windows in microseconds with their era, computed once for all questions of a round."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._cache: dict[datetime, tuple[int, int]] = {}

    def of(self, end: datetime) -> tuple[int, int]:
        if end not in self._cache:
            self._cache[end] = micros(end), self._directory.era(end)
        return self._cache[end]
