"""Where panels stand on the grid of 24 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grafanalib.core import GridPos

from dashboards.grafana_model import Panel, Row

WIDTH = 24


@dataclass(frozen=True, slots=True)
class Block:
    """A panel with its size in grid units; a unit of height is 30 pixels."""

    panel: Panel
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Section:
    """A row heading and what stands under it."""

    row: Row
    blocks: tuple[Block, ...]


def arranged(parts: Iterable[Block | Section]) -> list[Panel | Row]:
    """The panels in reading order, from left to right and top to bottom, each given its place."""
    placed: list[Panel | Row] = []
    top = 0
    for run in _runs(parts):
        if isinstance(run, Section):
            run.row.gridPos = GridPos(h=1, w=WIDTH, x=0, y=top)
            below = _flow(run.blocks, top + 1)
            panels = [block.panel for block in run.blocks]
            run.row.panels = panels if run.row.collapsed else []
            placed += [run.row] if run.row.collapsed else [run.row, *panels]
            top = top + 1 if run.row.collapsed else below
        else:
            top = _flow(run, top)
            placed += [block.panel for block in run]
    return placed


def _runs(parts: Iterable[Block | Section]) -> Iterator[Section | list[Block]]:
    loose: list[Block] = []
    for part in parts:
        if isinstance(part, Section):
            yield loose
            loose = []
            yield part
        else:
            loose.append(part)
    yield loose


def _flow(blocks: Iterable[Block], top: int) -> int:
    """Places the blocks from `top` on and gives the first free line below them."""
    left = below = 0
    line, below = top, top
    for block in blocks:
        if left + block.width > WIDTH:
            left, line = 0, below
        block.panel.gridPos = GridPos(h=block.height, w=block.width, x=left, y=line)
        left += block.width
        below = max(below, line + block.height)
    return below
