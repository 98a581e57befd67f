"""Reads everything that the replay of records needs from the store, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.connection import QueryError, Reader, consistent_read, restart_transaction
from exporter.metrics.evaluate import query_context
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.label_folding import MAX_VALUES
from exporter.metrics.lookup_tables import all_owners, write_owners, write_rates
from exporter.metrics.moving import MetricTrack
from exporter.metrics.people import Directory
from exporter.metrics.query import MetricKey, query_error
from exporter.metrics.rows import QueryShape
from exporter.metrics.running import aggregate_of
from exporter.metrics.samples import scopes_of
from exporter.metrics.tracks import Codes, GroupKey, Track, folding, load_track, recoded
from exporter.records import person_column


@dataclass(slots=True)
class LoadedTracks:
    """Tracks by metric and shape, the groups of each shape by code, and the metrics that could not be read."""

    directory: Directory
    tracks: dict[tuple[str, QueryShape], MetricTrack] = field(default_factory=dict)
    names: dict[QueryShape, list[GroupKey]] = field(default_factory=dict)
    failed: dict[str, EvaluationError] = field(default_factory=dict)


def load_all(reader: Reader, config: Config, rates: ExchangeRates) -> LoadedTracks:
    """Tracks for every metric at the scopes that KPIs have, from one state of the store."""
    with consistent_read(reader):
        return _TrackLoader(reader, config, rates).load()


class _TrackLoader:
    def __init__(self, reader: Reader, config: Config, rates: ExchangeRates) -> None:
        self._reader = reader
        self._config = config
        self._rates = rates
        self._context = query_context(config, rates)
        self._loaded = LoadedTracks(Directory.load(reader, config))
        entities = {metric.entity for metric in config.metrics if person_column(metric.entity) is not None}
        self._owners = all_owners(reader, sorted(entities))

    def load(self) -> LoadedTracks:
        self._write_tables()
        shapes: dict[QueryShape, list[Metric]] = {}
        for metric in self._config.metrics:
            for shape in _shapes(self._config, metric):
                if self._is_valid(shape, metric):
                    shapes.setdefault(shape, []).append(metric)
        for shape, metrics in shapes.items():
            self._load(shape, metrics)
        return self._loaded

    def _load(self, shape: QueryShape, metrics: list[Metric]) -> None:
        codes: Codes = {}
        grouped = shape.scope is not Scope.COMPANY or bool(shape.by)
        presence = load_track(self._reader, shape, None, self._context, codes) if grouped else None
        tracks = [(metric, track) for metric in metrics if (track := self._track(shape, metric, codes))]
        names = list(codes) if grouped else [()]
        if shape.by and presence:
            names = _fold(names, presence, (track for _, track in tracks))
        self._loaded.names[shape] = names
        for metric, track in tracks:
            make = aggregate_of(metric, track.scale)
            self._loaded.tracks[metric.name, shape] = MetricTrack(track, presence, shape.closes is not None, make)

    def _track(self, shape: QueryShape, metric: Metric, codes: Codes) -> Track | None:
        try:
            return load_track(self._reader, shape, metric, self._context, codes)
        except QueryError as error:
            self._fail(metric, f"the store cannot compute it ({type(error).__name__})")
            restart_transaction(self._reader)
            self._write_tables()
            return None

    def _is_valid(self, shape: QueryShape, metric: Metric) -> bool:
        error = query_error(shape, MetricKey(metric), self._context)
        if error is not None:
            self._fail(metric, error)
        return error is None

    def _fail(self, metric: Metric, message: str) -> None:
        self._loaded.failed[metric.name] = EvaluationError(metric.name, message)

    def _write_tables(self) -> None:
        write_rates(self._reader, self._rates)
        write_owners(self._reader, self._loaded.directory, self._owners)


def _shapes(config: Config, metric: Metric) -> Iterator[QueryShape]:
    for scope in scopes_of(config, metric):
        yield QueryShape.of(metric, scope)
    if metric.by:
        yield QueryShape.of(metric, by=True)


def _fold(names: list[GroupKey], presence: Track, tracks: Iterable[Track]) -> list[GroupKey]:
    """Folds all but the largest groups and recodes the tracks accordingly."""
    remaining: Codes = {}
    codes = [remaining.setdefault(name, len(remaining)) for name in folding(names, presence, MAX_VALUES)]
    for track in (presence, *tracks):
        recoded(track, codes)
    return list(remaining)
