"""Positions of keys in the config file, so that every problem names its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from exporter.config.messages import quoted
from exporter.errors import Problem

KeyPath = tuple[str | int, ...]
"""Keys and list indexes from the root: ("kpis", 2, "target", "by")."""


class YamlMapping(dict[str, Any]):
    """A mapping with its own line and the line of each key. Lines count from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class YamlList(list[Any]):
    """A list with its own line and the line of each element."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found at a path of the config. A Problem is a finding with its file and line."""

    path: KeyPath
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """A file and the tree that was read from it."""

    file: str
    tree: Any = None

    def line(self, path: KeyPath) -> int:
        """The line of the key at `path`, or of its nearest parent that exists; 0 if no line is known."""
        node, line = self.tree, getattr(self.tree, "line", 0)
        for step in path:
            if isinstance(node, YamlMapping) and step in node:
                line, node = node.lines[str(step)], node[str(step)]
            elif isinstance(node, YamlList) and isinstance(step, int) and step < len(node):
                line, node = node.lines[step], node[step]
            else:
                break
        return line

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """A problem at this path, with its file and line."""
        return Problem(self.file, self.line(path), path_text(path), message, hint)

    def problems(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """The findings as problems, in the order of the file."""
        return tuple(sorted(self.problem(finding.path, finding.message, finding.hint) for finding in findings))


NO_FILE = Origin("config")
"""The origin of a config that was not read from a file."""


def value_at(tree: Any, path: KeyPath) -> Any:
    """The value at `path`, or None if the path does not exist."""
    for step in path:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def path_text(path: KeyPath) -> str:
    """The path as shown to users: kpis[2].target.by. Unusual keys are quoted to keep a problem on one line."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_key_text(step)}" for step in path).removeprefix(".")


def _key_text(key: str) -> str:
    return key if re.fullmatch(r"[\w.\- ]{1,60}", key, re.ASCII) else quoted(key)
