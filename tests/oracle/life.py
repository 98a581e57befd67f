"""A generated company lives: its changes reach a real store sync by sync, and the oracle's records beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from hypothesis import strategies as st

from exporter.config.loader import parse
from exporter.config.root import Config
from exporter.errors import InvalidRecordError, Reason
from exporter.passes import Page
from exporter.records import ENTITIES
from exporter.store.store import Store
from tests.oracle.companies import BASES, Draw, configs, yaml_of
from tests.oracle.dates import midnight
from tests.oracle.freshness import READS, Freshness
from tests.oracle.history import Records, is_outdated
from tests.oracle.records import Change, half_hours, lives


@dataclass(frozen=True)
class Sync:
    """Passes over some sources: when they start and end, how far behind their watermark stays, and by which mapping."""

    started_at: datetime
    ended_at: datetime
    lag: timedelta
    sources: frozenset[str]
    mapping: str


@dataclass(frozen=True)
class Company:
    """A config, and everything that happens."""

    text: str
    syncs: tuple[Sync, ...]
    changes: tuple[Change, ...]
    instants: tuple[datetime, ...]
    """Some instants to ask about."""
    known: tuple[datetime, ...]
    """For each of them the instant whose knowledge to ask."""


@st.composite
def companies(draw: Draw) -> Company:
    """A company with two to four syncs."""
    base = draw(st.sampled_from(BASES))
    config = draw(configs(base))
    syncs = tuple(_syncs(draw, base))
    changes = draw(lives(base, len(syncs), {metric["entity"] for metric in config["metrics"]}))
    asked = half_hours(base) | _midnights(base, ZoneInfo(config["company"]["timezone"])) | _around(syncs)
    instants = tuple(draw(st.lists(asked, min_size=3, max_size=3)))
    known = tuple(draw(st.sampled_from([*(sync.ended_at for sync in syncs), *instants])) for _ in instants)
    return Company(yaml_of(config), syncs, tuple(changes), instants, known)


def _around(syncs: tuple[Sync, ...]) -> st.SearchStrategy[datetime]:
    """Instants about which a sync changes what is known of records: its watermark, and those around it."""
    watermarks = st.sampled_from([sync.started_at - sync.lag for sync in syncs])
    minutes = st.sampled_from([-90, -1, 0, 1, 600])
    return st.tuples(watermarks, minutes).map(lambda pair: pair[0] + timedelta(minutes=pair[1]))


def _midnights(base: date, zone: ZoneInfo) -> st.SearchStrategy[datetime]:
    """The starts of local dates, and the instants around them."""
    days = st.integers(-3, 9).map(lambda day: midnight(base + timedelta(days=day), zone))
    return st.tuples(days, st.sampled_from([-1, 0, 1])).map(lambda pair: pair[0] + pair[1] * timedelta(microseconds=1))


def _syncs(draw: Draw, base: date) -> Iterator[Sync]:
    """The first sync mostly reads every source; now and then a mapping changes."""
    at = datetime.combine(base, time(), UTC) - timedelta(days=6)
    everything, some = frozenset(READS), [frozenset({"crm", "shop"}), frozenset({"crm", "desk"})]
    mapping = 0
    for number in range(draw(st.integers(2, 4))):
        at += timedelta(hours=draw(st.integers(1, 150)))
        lag = timedelta(minutes=draw(st.sampled_from([0, 0, 90])))
        sources = draw(st.sampled_from([everything] * (9 if number == 0 else 1) + some))
        mapping += draw(st.sampled_from([0, 0, 0, 1]))
        yield Sync(at, at + timedelta(minutes=2), lag, sources, f"mapping {mapping}")


@dataclass
class World:
    """The store, what the oracle knows, and how far the company's syncs have come."""

    company: Company
    config: Config
    store: Store
    records: Records = field(default_factory=Records)
    passes: dict[tuple[str, str], tuple[datetime, datetime]] = field(default_factory=dict)
    rejected: set[tuple[str, str, str]] = field(default_factory=set)
    accepted: set[tuple[str, str, str]] = field(default_factory=set)
    """Source, entity and id of the records of which something was rejected, and of those that were ever accepted."""

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The config as plain data."""
        return dict(yaml.load(self.company.text, yaml.CSafeLoader))  # the safe loader, many times as fast

    @cached_property
    def _entities(self) -> set[str]:
        return {"people"} | {metric["entity"] for metric in self.plain["metrics"]}

    def freshness(self, judged_at: datetime, known_at: datetime | None = None) -> Freshness:
        """The passes so far, their ages judged at an instant; nothing is complete beyond what is known."""
        ages = {"90d": timedelta(days=90), None: timedelta(hours=24)}
        withheld = {source["name"]: ages[source.get("stale_after")] for source in self.plain["sources"]}
        passes = {key: (min(mark, known_at or mark), ended) for key, (mark, ended) in self.passes.items()}
        return Freshness(passes, withheld, judged_at, frozenset(self.rejected - self.accepted))

    def syncs(self) -> Iterator[Sync]:
        """Runs one sync after the other."""
        for number, sync in enumerate(self.company.syncs):
            for source in sorted(sync.sources):
                for entity in READS[source]:
                    if entity in self._entities:
                        self._sync(number, sync, source, entity)
            yield sync

    def run(self) -> None:
        """Runs all syncs."""
        for _ in self.syncs():
            pass

    def _sync(self, number: int, sync: Sync, source: str, entity: str) -> None:
        pending = [
            change
            for change in self.company.changes
            if (change.source, change.entity) == (source, entity) and self._is_due(change, number)
        ]
        last = {change.id: change for change in pending}
        sync_pass = self.store.begin(source, entity, sync.started_at, fingerprint=sync.mapping)
        accepted = [change for change in last.values() if not change.rejected]
        rejected = tuple(
            InvalidRecordError(Reason.BAD_TIME, "id", record_id=change.id)
            for change in last.values()
            if change.rejected
        )
        page = Page(tuple(map(_record, accepted)), rejected, cursor=sync.started_at.isoformat())
        self.store.stage(sync_pass, source, page)
        self.store.publish(source, entity, cursor=page.cursor, at=sync.ended_at, lag=sync.lag)
        watermark = sync.started_at - sync.lag
        if (source, entity) in self.passes:
            watermark = max(watermark, self.passes[source, entity][0])
        earlier = self._last_sync(source, number)
        self.passes[source, entity] = watermark, sync.ended_at
        if sync_pass.cursor is None:  # a pass over everything, which replaces what was rejected before
            self.rejected = {key for key in self.rejected if key[:2] != (source, entity)}
        self.rejected |= {(source, entity, change.id) for change in last.values() if change.rejected}
        for change in accepted:
            is_correction = earlier is not None and earlier.mapping != sync.mapping
            self._learn(change, watermark, sync.ended_at, is_correction=is_correction)

    def _last_sync(self, source: str, number: int) -> Sync | None:
        earlier = [sync for sync in self.company.syncs[:number] if source in sync.sources]
        return earlier[-1] if earlier else None

    def _is_due(self, change: Change, number: int) -> bool:
        """True if it happened since the source's last sync."""
        earlier = [n for n, sync in enumerate(self.company.syncs[:number]) if change.source in sync.sources]
        return (max(earlier) if earlier else -1) < change.sync <= number

    def _learn(self, change: Change, watermark: datetime, at: datetime, *, is_correction: bool) -> None:
        record = self.records.get(change.source, change.entity, change.id)
        self.accepted.add((change.source, change.entity, change.id))
        if record.versions and is_outdated(record.versions[-1].fields, change.fields):
            return
        fields = None if change.deleted else change.fields
        record.learn(fields, watermark, at, is_correction=is_correction)
        if not record.versions:
            del self.records.by_key[change.source, change.entity, change.id]


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
