"""One state of the store, as the ledger sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exporter.config.root import Config
from exporter.evaluation.freshness import freshness
from exporter.kpi.values import Freshness
from exporter.ledger.reach import newest_known
from exporter.metrics.connection import Reader
from exporter.store.state import read_commits, read_outcomes, read_versions


@dataclass(frozen=True, slots=True)
class StoreView:
    """What the store has at `now`: how far metrics are known, each entity's version, and the number of commits."""

    reader: Reader
    now: datetime
    fresh: Mapping[str, Freshness]
    versions: Mapping[str, int]
    commits: int
    _known: dict[str, datetime | None] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, reader: Reader, config: Config, now: datetime) -> StoreView:
        """The view that a connection has. Raises QueryError."""
        fresh = freshness(config, read_outcomes(reader), now)
        return cls(reader, now, fresh, read_versions(reader), read_commits(reader))

    def known_until(self, entities: Collection[str]) -> datetime | None:
        """The instant at which the newest row of any of these entities became known; None if there is none."""
        for entity in entities:
            if entity not in self._known:
                self._known[entity] = newest_known(self.reader, entity)
        instants = (self._known[entity] for entity in entities)
        return max((instant for instant in instants if instant is not None), default=None)
