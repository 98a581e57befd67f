"""Records that no metric can place in time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sqlglot import exp

from exporter.config.root import Config
from exporter.metrics.columns import ROW, operand
from exporter.metrics.connection import Reader
from exporter.metrics.rows import Shape
from exporter.metrics.statement import write


def undated(reader: Reader, config: Config) -> Mapping[tuple[str, str], int]:
    """For each (entity, column) by which metrics place records in time: how many records have it empty.

    Such a record is in no period and no level. Raises QueryError.
    """
    columns: dict[str, dict[str, None]] = {}
    for metric in config.metrics:
        columns.setdefault(metric.entity, {})[Shape.of(metric).opens] = None
    found: dict[tuple[str, str], int] = {}
    for entity, names in columns.items():
        counts = reader.execute(_counting(entity, tuple(names))).fetchall()[0]
        found.update({(entity, name): count for name, count in zip(names, counts, strict=True)})
    return found


@lru_cache(maxsize=64)
def _counting(entity: str, names: tuple[str, ...]) -> str:
    empty = [operand(entity, name).tree.is_(exp.null()) for name in names]
    counts = [exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=test)) for test in empty]
    query = exp.select(*counts).from_(exp.to_table(entity).as_(ROW))
    return write(query.where(exp.not_(exp.column("deleted", ROW))))
