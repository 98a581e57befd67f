"""Where in the file each key of a config stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from exporter.config.messages import quoted
from exporter.errors import Problem

Path = tuple[str | int, ...]
"""Keys and positions from the root: ("kpis", 2, "target", "by")."""


class Keyed(dict[str, Any]):
    """A mapping of the YAML that remembers its own line and that of each key. Lines count from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Listed(list[Any]):
    """A list of the YAML that remembers its own line and that of each element."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault at a path of the config, before it is known in which line that is."""

    path: Path
    message: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """A file and the tree that was read from it."""

    file: str
    tree: Any = None

    def line(self, path: Path) -> int:
        """The line of the key at `path`, or of the nearest one above it; 0 where nothing is known."""
        node, line = self.tree, getattr(self.tree, "line", 0)
        for step in path:
            if isinstance(node, Keyed) and step in node:
                line, node = node.lines[str(step)], node[str(step)]
            elif isinstance(node, Listed) and isinstance(step, int) and step < len(node):
                line, node = node.lines[step], node[step]
            else:
                break
        return line

    def problem(self, path: Path, message: str, cure: str = "") -> Problem:
        """The fault with its file and line."""
        return Problem(self.file, self.line(path), spelled(path), message, cure)

    def problems(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """The faults with their places, in the order of the file."""
        return tuple(sorted(self.problem(found.path, found.message, found.cure) for found in findings))


NOWHERE = Origin("config")
"""The origin of a config that was not read from a file."""


def inside(tree: Any, path: Path) -> Any:
    """What stands at `path`; None where nothing does."""
    for step in path:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def spelled(path: Path) -> str:
    """The path as users read it: kpis[2].target.by. Odd keys are quoted, so that a problem stays one line."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in path).removeprefix(".")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w.\- ]{1,60}", key, re.ASCII) else quoted(key)
