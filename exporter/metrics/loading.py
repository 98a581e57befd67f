"""Everything that history needs, read from the store once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.connection import QueryError, Reader, begin_again, one_state
from exporter.metrics.evaluate import terms_of
from exporter.metrics.exchange_rates import Rates
from exporter.metrics.label_folding import MOST_VALUES
from exporter.metrics.lookup_tables import all_owners, write_owners, write_rates
from exporter.metrics.moving import Line
from exporter.metrics.people import Directory
from exporter.metrics.query import Pinned, fault
from exporter.metrics.rows import Shape
from exporter.metrics.running import aggregate_of
from exporter.metrics.samples import scopes_of
from exporter.metrics.tracks import Codes, Name, Track, folding, load, recoded
from exporter.records import person_column


@dataclass(slots=True)
class Loaded:
    """Lines by metric and shape; the groups of each shape by their codes; and what could not be read."""

    directory: Directory
    lines: dict[tuple[str, Shape], Line] = field(default_factory=dict)
    names: dict[Shape, list[Name]] = field(default_factory=dict)
    failed: dict[str, EvaluationError] = field(default_factory=dict)


def load_all(reader: Reader, config: Config, rates: Rates) -> Loaded:
    """Lines for every metric at the scopes that KPIs ask for, from one state of the store."""
    with one_state(reader):
        return _Loading(reader, config, rates).load()


class _Loading:
    def __init__(self, reader: Reader, config: Config, rates: Rates) -> None:
        self._reader = reader
        self._config = config
        self._rates = rates
        self._terms = terms_of(config, rates)
        self._loaded = Loaded(Directory.load(reader, config))
        entities = {metric.entity for metric in config.metrics if person_column(metric.entity) is not None}
        self._owners = all_owners(reader, sorted(entities))

    def load(self) -> Loaded:
        self._write_tables()
        shapes: dict[Shape, list[Metric]] = {}
        for metric in self._config.metrics:
            for shape in _shapes(self._config, metric):
                if self._sound(shape, metric):
                    shapes.setdefault(shape, []).append(metric)
        for shape, metrics in shapes.items():
            self._load(shape, metrics)
        return self._loaded

    def _load(self, shape: Shape, metrics: list[Metric]) -> None:
        codes: Codes = {}
        grouped = shape.scope is not Scope.COMPANY or bool(shape.by)
        presence = load(self._reader, shape, None, self._terms, codes) if grouped else None
        tracks = [(metric, track) for metric in metrics if (track := self._track(shape, metric, codes))]
        names = list(codes) if grouped else [()]
        if shape.by and presence:
            names = _fold(names, presence, (track for _, track in tracks))
        self._loaded.names[shape] = names
        for metric, track in tracks:
            make = aggregate_of(metric, track.scale)
            self._loaded.lines[metric.name, shape] = Line(track, presence, shape.closes is not None, make)

    def _track(self, shape: Shape, metric: Metric, codes: Codes) -> Track | None:
        try:
            return load(self._reader, shape, metric, self._terms, codes)
        except QueryError as error:
            self._fail(metric, f"the store cannot work it out ({type(error).__name__})")
            begin_again(self._reader)
            self._write_tables()
            return None

    def _sound(self, shape: Shape, metric: Metric) -> bool:
        wrong = fault(shape, Pinned(metric), self._terms)
        if wrong is not None:
            self._fail(metric, wrong)
        return wrong is None

    def _fail(self, metric: Metric, message: str) -> None:
        self._loaded.failed[metric.name] = EvaluationError(metric.name, message)

    def _write_tables(self) -> None:
        write_rates(self._reader, self._rates)
        write_owners(self._reader, self._loaded.directory, self._owners)


def _shapes(config: Config, metric: Metric) -> Iterator[Shape]:
    for scope in scopes_of(config, metric):
        yield Shape.of(metric, scope)
    if metric.by:
        yield Shape.of(metric, by=True)


def _fold(names: list[Name], presence: Track, tracks: Iterable[Track]) -> list[Name]:
    """Folds the groups beyond the largest and gives tracks the codes of what remains."""
    remaining: Codes = {}
    codes = [remaining.setdefault(name, len(remaining)) for name in folding(names, presence, MOST_VALUES)]
    for track in (presence, *tracks):
        recoded(track, codes)
    return list(remaining)
