"""A generated company lives: its changes reach a real store sync by sync, and the oracle's records beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import strategies as st

from exporter.config.loader import parse
from exporter.config.root import Config
from exporter.passes import Page
from exporter.records import ENTITIES
from exporter.store.store import Store
from tests.oracle.companies import BASES, Draw, configs
from tests.oracle.freshness import READS, Freshness
from tests.oracle.history import Records, Version
from tests.oracle.records import Change, hours, lives


@dataclass(frozen=True)
class Sync:
    """Passes over some sources: when they start and end, and how far behind their watermark stays."""

    started_at: datetime
    ended_at: datetime
    lag: timedelta
    sources: frozenset[str]


@dataclass(frozen=True)
class Company:
    """A config, and everything that happens."""

    text: str
    syncs: tuple[Sync, ...]
    changes: tuple[Change, ...]
    instants: tuple[datetime, ...]
    """Some instants to ask about."""


@st.composite
def companies(draw: Draw) -> Company:
    """A company with two to four syncs."""
    base = draw(st.sampled_from(BASES))
    syncs = tuple(_syncs(draw, base))
    changes = draw(lives(base, len(syncs)))
    instants = tuple(draw(st.lists(hours(base), min_size=3, max_size=3)))
    return Company(draw(configs(base)), syncs, tuple(changes), instants)


def _syncs(draw: Draw, base: date) -> Iterator[Sync]:
    at = datetime.combine(base, time(), UTC) - timedelta(days=6)
    for number in range(draw(st.integers(2, 4))):
        at += timedelta(hours=draw(st.integers(1, 150)))
        lag = timedelta(minutes=draw(st.sampled_from([0, 0, 90])))
        sources = (
            frozenset(READS)
            if number == 0
            else draw(st.sampled_from([frozenset(READS), frozenset({"crm", "shop"}), frozenset({"crm", "desk"})]))
        )
        yield Sync(at, at + timedelta(minutes=2), lag, sources)


@dataclass
class World:
    """The store, what the oracle knows, and how far the company's syncs have come."""

    company: Company
    config: Config
    store: Store
    records: Records = field(default_factory=Records)
    passes: dict[tuple[str, str], tuple[datetime, datetime]] = field(default_factory=dict)

    @property
    def plain(self) -> dict[str, Any]:
        """The config as plain data."""
        return dict(yaml.safe_load(self.company.text))

    def freshness(self, judged_at: datetime) -> Freshness:
        """The passes so far, their ages judged at an instant."""
        ages = {"90d": timedelta(days=90), None: timedelta(hours=24)}
        withheld = {source["name"]: ages[source.get("stale_after")] for source in self.plain["sources"]}
        return Freshness(dict(self.passes), withheld, judged_at)

    def syncs(self) -> Iterator[Sync]:
        """Runs one sync after the other."""
        for number, sync in enumerate(self.company.syncs):
            for source in sorted(sync.sources):
                for entity in READS[source]:
                    self._sync(number, sync, source, entity)
            yield sync

    def run(self) -> None:
        """Runs all syncs."""
        for _ in self.syncs():
            pass

    def _sync(self, number: int, sync: Sync, source: str, entity: str) -> None:
        done = {key for key, (_, ended) in self.passes.items() if ended == sync.ended_at}
        assert (source, entity) not in done
        pending = [
            change
            for change in self.company.changes
            if (change.source, change.entity) == (source, entity) and self._is_due(change, number)
        ]
        last = {change.id: change for change in pending}
        sync_pass = self.store.begin(source, entity, sync.started_at)
        page = Page(tuple(_record(change) for change in last.values()), cursor=sync.started_at.isoformat())
        self.store.stage(sync_pass, source, page)
        self.store.publish(source, entity, cursor=page.cursor, at=sync.ended_at, lag=sync.lag)
        watermark = sync.started_at - sync.lag
        if (source, entity) in self.passes:
            watermark = max(watermark, self.passes[source, entity][0])
        self.passes[source, entity] = watermark, sync.ended_at
        for change in last.values():
            self._learn(change, watermark, sync.ended_at)

    def _is_due(self, change: Change, number: int) -> bool:
        """True if it happened since the source's last sync."""
        earlier = [n for n, sync in enumerate(self.company.syncs[:number]) if change.source in sync.sources]
        return (max(earlier) if earlier else -1) < change.sync <= number

    def _learn(self, change: Change, watermark: datetime, at: datetime) -> None:
        record = self.records.get(change.source, change.entity, change.id)
        if change.deleted:
            if record.versions:
                record.deleted_from = at
            else:
                del self.records.by_key[change.source, change.entity, change.id]
        elif not record.versions or record.versions[-1].fields != change.fields:
            record.versions.append(Version(change.fields, watermark if record.versions else None, at))


def _record(change: Change) -> Any:
    return ENTITIES[change.entity](id=change.id, deleted=change.deleted, **change.fields)


@contextmanager
def world_of(company: Company) -> Iterator[World]:
    """The company before its first sync, with a store of its own."""
    config = parse(company.text, "kpis.yaml", Path()).config
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        try:
            yield World(company, config, store)
        finally:
            store.close()
