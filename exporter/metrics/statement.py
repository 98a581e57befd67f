"""A query's text and the parameters it wants: what is left of a syntax tree once it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlglot import exp

from exporter.metrics.connection import Reader
from exporter.metrics.instants import stored
from exporter.metrics.values import Window

START, END = "start", "end"
"""Parameters that stand for the bounds of the window."""

_NOTHING: Mapping[str, object] = MappingProxyType({})


def write(tree: exp.Expr, dialect: str = "duckdb") -> str:
    """The text of a tree. Every name is quoted: some of ours are words of SQL."""
    return tree.sql(dialect=dialect, identify=True)


@dataclass(frozen=True, slots=True)
class Statement:
    """A query ready to run for any window."""

    sql: str
    parameters: frozenset[str]

    @classmethod
    def of(cls, tree: exp.Expr) -> Statement:
        """The statement of a tree."""
        return cls(write(tree), frozenset(str(found.this) for found in tree.find_all(exp.Placeholder)))

    def fetch(self, reader: Reader, window: Window, more: Mapping[str, object] = _NOTHING) -> list[tuple[Any, ...]]:
        """All rows for a window; `more` binds further parameters. Raises QueryError."""
        values = {START: stored(window.start), END: stored(window.end), **more}
        return reader.execute(self.sql, {name: values[name] for name in self.parameters}).fetchall()
