"""Columns that change without a trace in the record: what they were is known only since a store first saw them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain

from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.metrics import Metric, span_of
from exporter.config.root import Config
from exporter.records import ColumnHistory, history_of, person_column

_TEAM = "people", "team"


def state_columns(metric: Metric) -> tuple[str, ...]:
    """The state columns in `where`, `by` or the measured column of a metric, such as deals.stage."""
    measured = () if metric.measured is None else span_of(metric.measured) or (metric.measured,)
    return _qualified((metric.entity, name) for name in (*metric.where, *metric.by, *measured))


def grouping_columns(metric: Metric, scopes: Iterable[Scope], *, people: bool = True) -> tuple[str, ...]:
    """The state columns that decide for which team or person the rows of a metric count, such as deals.owner.

    `people` says whether a source lists people, and with them their teams.
    """
    if not {Scope.TEAM, Scope.PERSON}.intersection(scopes):
        return ()
    owner = person_column(metric.entity)
    if owner is None:
        return ()
    team = [_TEAM] if people and Scope.TEAM in scopes else []
    return _qualified([(metric.entity, owner), *team])


def kpi_grouping_columns(config: Config, kpi: Kpi) -> tuple[str, ...]:
    """The state columns that decide for which team or person the rows of a KPI's metrics count."""
    people = any("people" in source.reads for source in config.sources)
    metrics = (config.metric_by_name[name] for name in kpi.metrics)
    columns = (grouping_columns(metric, kpi.scopes, people=people) for metric in metrics)
    return tuple(dict.fromkeys(chain.from_iterable(columns)))


def kpi_state_columns(config: Config, kpi: Kpi) -> tuple[str, ...]:
    """All state columns on which the past figures of a KPI rest, at any of its scopes."""
    read = (state_columns(config.metric_by_name[name]) for name in kpi.metrics)
    return tuple(dict.fromkeys([*chain.from_iterable(read), *kpi_grouping_columns(config, kpi)]))


def past_of(columns: Sequence[str], since: date | None = None) -> str:
    """The columns, and since when their past is known; `since` is the day on which the exporter first saw them."""
    text = " and ".join([", ".join(columns[:-1]), columns[-1]] if len(columns) > 1 else columns)
    first_seen = f"the exporter first saw {'them' if len(columns) > 1 else 'it'}"
    return f"{text}, whose past is known only since {first_seen}" + (f" ({since})" if since is not None else "")


def _qualified(columns: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    state = (pair for pair in columns if history_of(*pair) is ColumnHistory.STATE)
    return tuple(dict.fromkeys(f"{entity}.{name}" for entity, name in state))
