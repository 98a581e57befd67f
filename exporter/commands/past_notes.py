"""Notes about figures of the past that rest on columns whose past is known only since the exporter first saw them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from exporter.config.positions import Finding
from exporter.config.root import Config
from exporter.config.state_columns import kpi_grouping_columns, past_of, state_columns
from exporter.errors import Problem

if TYPE_CHECKING:
    from exporter.store.store import Store


def past_notes(config: Config, store: Store | None, now: datetime) -> tuple[Problem, ...]:
    """A note for each metric whose past rests on such columns, and for the KPIs whose teams and people do."""
    first_seen = partial(_first_seen, config, store, now)
    metrics = (
        Finding(("metrics", index), f"{metric.name} reads {past_of(columns, first_seen(columns))}")
        for index, metric in enumerate(config.metrics)
        if (columns := state_columns(metric))
    )
    scopes = (
        Finding(("kpis", indexes[0], "scopes"), f"{_kpis(config, indexes)} by {past_of(columns, first_seen(columns))}")
        for columns, indexes in _by_grouping(config).items()
    )
    return config.origin.problems([*metrics, *scopes])


def _by_grouping(config: Config) -> dict[tuple[str, ...], list[int]]:
    """Indexes of the KPIs by the state columns that decide for which team or person their rows count."""
    result: dict[tuple[str, ...], list[int]] = {}
    for index, kpi in enumerate(config.kpis):
        if columns := kpi_grouping_columns(config, kpi):
            result.setdefault(columns, []).append(index)
    return result


def _kpis(config: Config, indexes: Sequence[int]) -> str:
    others = len(indexes) - 1
    more = f" and {others} other KPI{'' if others == 1 else 's'}" if others else ""
    verb = "counts" if not others else "count"
    return f"{config.kpis[indexes[0]].name}{more} {verb} for teams and people"


def _first_seen(config: Config, store: Store | None, now: datetime, columns: Sequence[str]) -> date | None:
    """The local day since when all the columns are known; None without a store, or before it holds their records."""
    if store is None:
        return None
    from exporter.store.known import first_version

    with store.reading() as reader:
        instants = [first_version(reader, [entity]) for entity in {column.partition(".")[0] for column in columns}]
    seen = [instant for instant in instants if instant is not None]
    kept_from = now - config.history.retention
    return max(kept_from, *seen).astimezone(config.company.timezone).date() if seen else None
