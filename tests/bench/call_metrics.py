"""A hundred metrics of calls (25 definitions for 500 people and 20 teams, month and day to date) and their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from exporter.config.root import Config
from exporter.runtime.config_file import read_config
from exporter.store.store import Store

PEOPLE, TEAMS, IN_MONTH = 500, 20, 320_000
MONTH = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 31, 16, tzinfo=UTC)
DAY = NOW.replace(hour=0)

FILTERS = {
    "all": {},
    "inbound": {"direction": "inbound"},
    "outbound": {"direction": "outbound"},
    "answered": {"status": "answered"},
    "lost": {"status": "abandoned"},
}
AGGREGATES = {
    "rows": "count: rows",
    "talk": "sum: talk_seconds",
    "wait": "mean: wait_seconds",
    "long": "percentile: {of: talk_seconds, at: 0.9}",
    "queues": "distinct: queue",
}

_HEAD = """
company: {name: Bench, timezone: UTC, workdays: [mon, tue, wed, thu, fri]}
sources:
  - {name: phones, provider: csv, path: empty.csv, entity: calls, columns: {id: id, agent: id, direction: id,
      status: id, queue: id, started_at: id, wait_seconds: id, talk_seconds: id}}
  - {name: staff, provider: csv, path: empty.csv, entity: people, columns: {id: id, name: id, team: id}}
objectives: [{name: service, title: Service, owner: Ann}]
metrics:
"""
_FILL = """
INSERT INTO calls (source, id, updated_at, deleted, attributes, direction, status, queue, agent, started_at,
    wait_seconds, talk_seconds)
SELECT 'phones', 'call-' || n, happened, FALSE, '{}', CASE WHEN n % 3 = 0 THEN 'outbound' ELSE 'inbound' END,
    CASE WHEN n % 5 = 0 THEN 'abandoned' ELSE 'answered' END, 'queue ' || n % 12, 'agent ' || n * 7919 % 500, happened,
    n % 90, n * 31 % 500
FROM (SELECT n, CASE WHEN n < $past
    THEN $month::TIMESTAMP - to_microseconds((($past - n) * 60 * 1000000)::BIGINT)
    ELSE $month::TIMESTAMP + to_microseconds(((n - $past) * epoch_us($now::TIMESTAMP - $month::TIMESTAMP) // $inside)::BIGINT)
    END AS happened FROM range($rows) AS numbers (n))
"""


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric: its name, its filter as column to value, and its aggregate's name."""

    name: str
    where: dict[str, str]
    aggregate: str


def definitions() -> list[Definition]:
    """All 25 definitions."""
    return [Definition(f"{which}_{what}", FILTERS[which], what) for which, what in product(FILTERS, AGGREGATES)]


def load_config(folder: Path) -> Config:
    """A config with the metrics, each used by a KPI with team and person scopes."""
    metrics = [
        f"  - {{name: {d.name}, title: {d.name}, entity: calls, where: {{{_pairs(d.where)}}}, at: started_at,"
        f" {AGGREGATES[d.aggregate]}, periods: [day, month]}}\n"
        for d in definitions()
    ]
    kpis = [
        f"  - {{name: kpi_{d.name}, title: {d.name}, value: {d.name}, target: 100, period: month, better: higher,"
        f" scopes: [company, team, person], objective: service, owner: Ann, department: Service, why: bench}}\n"
        for d in definitions()
    ]
    path = folder / "kpis.yaml"
    path.write_text("".join([_HEAD, *metrics, "kpis:\n", *kpis]), encoding="utf-8")
    (folder / "empty.csv").write_text("id\n", encoding="utf-8")
    return read_config(path, {}).config


def _pairs(where: dict[str, str]) -> str:
    return ", ".join(f"{column}: {value}" for column, value in where.items())


def fill(store: Store, rows: int) -> None:
    """Inserts calls in time order, 320,000 of them this month, and the people who made them."""
    with store._database.write() as writer:
        values = {"rows": rows, "past": rows - IN_MONTH, "inside": IN_MONTH, "month": _naive(MONTH), "now": _naive(NOW)}
        writer.execute(_FILL, values)
        writer.execute(
            "INSERT INTO people (source, id, deleted, attributes, name, team, active) SELECT 'staff', 'agent ' || n,"
            f" FALSE, '{{}}', 'Agent ' || n, 'Team ' || n % {TEAMS}, TRUE FROM range({PEOPLE}) AS numbers (n)"
        )
    completed_passes(store, NOW)


def completed_passes(store: Store, at: datetime) -> None:
    """Records a completed pass of both sources that started at `at` and brought no records."""
    for source, entity in (("phones", "calls"), ("staff", "people")):
        store.begin(source, entity, at)
        store.publish(source, entity)


def rows_of(store: Store) -> Iterator[list[tuple[object, ...]]]:
    """The same calls in batches, for a peer."""
    with store.reading() as reader:
        reader.execute("SELECT id, direction, status, queue, agent, started_at, wait_seconds, talk_seconds FROM calls")
        while batch := reader.fetchmany(50_000):
            yield batch


def _naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)
