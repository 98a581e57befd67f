"""Which sources the store has records of: those of the config, and of removed ones what nobody can send again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from exporter.records import ENTITIES
from exporter.store import passes, rejects, set_aside, state
from exporter.store.merge import MergeResult, delete_source
from exporter.store.set_aside import RemovedRecords, is_pushed
from exporter.store.staging import Slot
from exporter.store.state import Outcome


@dataclass(frozen=True, slots=True)
class RetainedSources:
    """What became of records whose source the config removed, or has again.

    `deleted`, `put_aside` and `brought_back` count records, `changes` has what each entity's table lost or got, and
    `removed` all that is set aside now.
    """

    deleted: int = 0
    put_aside: int = 0
    brought_back: int = 0
    changes: Mapping[str, MergeResult] = field(default_factory=dict)
    removed: tuple[RemovedRecords, ...] = ()


def retain(
    connection: duckdb.DuckDBPyConnection,
    entities: Mapping[str, Collection[str]],
    pushed: Mapping[str, Sequence[str]] | None,
    at: datetime,
) -> RetainedSources:
    """Removes what `entities`, by source, does not contain, then brings back what `pushed` sources have set aside.

    If `pushed` is None, no source is taken for a removed push source.
    """
    lost: Counter[str] = Counter()
    deleted = put_aside = 0
    for outcome in state.read_outcomes(connection):
        is_expected = outcome.entity in entities.get(outcome.source, ())
        is_lasting = pushed is not None and is_pushed(outcome) and outcome.last_success is not None
        if is_expected and (not is_lasting or outcome.source in (pushed or ())):
            continue
        if is_lasting:
            count = set_aside.put_aside(connection, outcome, at)
            put_aside += count
        else:
            count = _delete(connection, outcome)
            deleted += count
        _clear(connection, outcome)
        lost[outcome.entity] += count
    regained = _bring_back(connection, entities, pushed or {})
    changed = {entity: MergeResult(new=regained[entity], deleted=lost[entity]) for entity in lost | regained}
    removed = set_aside.removed(connection)
    return RetainedSources(deleted, put_aside, regained.total(), changed, removed)


def _delete(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> int:
    return delete_source(connection, outcome.source, outcome.entity) if outcome.entity in ENTITIES else 0


def _clear(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    for full in (True, False):
        passes.clear(connection, Slot(outcome.source, outcome.entity, full))
    state.delete_outcome(connection, outcome.source, outcome.entity)
    rejects.clear(connection, outcome.source, outcome.entity)


def _bring_back(
    connection: duckdb.DuckDBPyConnection,
    entities: Mapping[str, Collection[str]],
    pushed: Mapping[str, Sequence[str]],
) -> Counter[str]:
    regained: Counter[str] = Counter()
    removed = {(each.source, each.entity) for each in set_aside.removed(connection)}
    for name, names in pushed.items():
        for entity in entities.get(name, ()):
            for former in dict.fromkeys((name, *names)):
                if (former, entity) in removed:
                    regained[entity] += set_aside.bring_back(connection, former, entity, name)
    return regained
