"""YAML text to a plain tree that remembers its lines; hostile text is refused before it costs anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from exporter.config.messages import quoted
from exporter.config.positions import Keyed, Listed, Origin
from exporter.config.scalars import scalar
from exporter.config.yaml_errors import explained
from exporter.config.yaml_scanner import Events
from exporter.errors import ConfigError, Problem

LARGEST = 1 << 20
"""Bytes of a config file at most."""
DEEPEST = 50
"""Levels of nesting at most."""
MOST_LINES = 25_000
"""Lines at most."""
MOST_WRITTEN = 50_000
"""Keys and values at most, as they are written."""
MOST_NODES = 100_000
"""Keys and values at most, each alias counted with all it stands for."""
_CURE_SIZE = "a config is text of some pages"
MOST_PROBLEMS = 100
"""Faults of the YAML after which reading ends: nobody reads more."""


@dataclass(frozen=True, slots=True)
class Document:
    """The tree of a config file; `problems` are faults of the YAML that let the rest be read on."""

    origin: Origin
    problems: tuple[Problem, ...]


def read(path: Path, name: str) -> str:
    """The text of a config file of at most 1 MiB; raises ConfigError, with `name` as the file's."""
    try:
        if path.is_dir():
            raise ConfigError([Problem(name, 0, "", "this is a folder", "name the file in it with --config")])
        if not path.is_file():
            raise ConfigError([Problem(name, 0, "", "there is no such file", "name another with --config")])
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigError([Problem(name, 0, "", "the file is larger than 1 MiB", _CURE_SIZE)])
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(name, 0, "", f"the file cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(name, line, "", "the file is not UTF-8", "save it as UTF-8")]) from None


def parse(text: str, name: str) -> Document:
    """The tree of YAML text; raises ConfigError where it cannot be read to its end."""
    composer = _Composer(name)
    if len(text.splitlines()) > MOST_LINES:
        raise ConfigError([Problem(name, 0, "", f"the file has more than {MOST_LINES} lines", _CURE_SIZE)])
    try:
        composer.events = Events(text)
        tree = composer.document()
    except yaml.YAMLError as error:
        raise ConfigError([*composer.problems, explained(error, text, name)]) from None
    except (ValueError, OverflowError):
        line = composer.events.line + 1
        problem = Problem(name, line, "", "a character's number after \\U is not one", "write the character itself")
        raise ConfigError([*composer.problems, problem]) from None
    return Document(Origin(name, tree), tuple(composer.problems))


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: Any
    nodes: int
    depth: int


@dataclass(slots=True)
class _Composer:
    name: str
    events: Events = field(init=False)
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    nodes: int = 0
    written: int = 0
    deepest: int = 0

    def document(self) -> Any:
        self._next()
        if isinstance(self._next(), StreamEndEvent):
            self._stop(1, "the file is empty", "config/README.md shows what to write")
        tree = self._node(self._next(), 1)
        self._next()
        after = self._next()
        if not isinstance(after, StreamEndEvent):
            self._stop(_line(after), "a second document begins", "keep one, without --- between")
        return tree

    def _next(self) -> Any:
        return self.events.get_event()  # type: ignore[no-untyped-call]  # the stubs leave it out

    def _node(self, event: Any, depth: int) -> Any:
        line = _line(event)
        if isinstance(event, AliasEvent):
            return self._alias(event, line, depth)
        self.written += 1
        if self.written > MOST_WRITTEN:
            self._stop(line, f"there are more than {MOST_WRITTEN} keys and values", "a company has fewer KPIs")
        self._count(1, depth, line)
        if event.tag is not None:
            self._report(line, "a tag, beginning with !, has no meaning here", "put text that begins with ! in quotes")
        if event.anchor is not None:
            return self._anchored(event, line, depth)
        return self._value(event, line, depth)

    def _value(self, event: Any, line: int, depth: int) -> Any:
        if isinstance(event, ScalarEvent):
            return self._scalar(event, line)
        return self._mapping(line, depth) if isinstance(event, MappingStartEvent) else self._list(line, depth)

    def _anchored(self, event: Any, line: int, depth: int) -> Any:
        before, deepest = self.nodes, self.deepest
        self.anchors[event.anchor], self.deepest = None, depth
        value = self._value(event, line, depth)
        self.anchors[event.anchor] = _Anchored(value, self.nodes - before + 1, self.deepest - depth)
        self.deepest = max(deepest, self.deepest)
        return value

    def _alias(self, event: Any, line: int, depth: int) -> Any:
        anchored = self.anchors.get(event.anchor)
        if anchored is None:
            # the name is not said: a password may begin with an asterisk
            self._report(line, "an alias, beginning with *, stands for nothing above", "put text with * in quotes")
            return None
        self._count(anchored.nodes, depth + anchored.depth, line)
        return anchored.value

    def _count(self, nodes: int, depth: int, line: int) -> None:
        self.nodes += nodes
        self.deepest = max(self.deepest, depth)
        if depth > DEEPEST:
            self._stop(line, f"brackets or blanks nest deeper than {DEEPEST} levels", "a config needs about ten")
        if self.nodes > MOST_NODES:
            self._stop(line, f"there are more than {MOST_NODES} values, aliases counted in full", "use fewer aliases")

    def _scalar(self, event: ScalarEvent, line: int) -> Any:
        text: str = event.value
        if not text.isprintable() and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            self._report(line, "text holds a character that is not one", "leave out \\0 and halves of \\u pairs")
            return None
        if not event.implicit[0]:
            return text
        try:
            return scalar(text)
        except ValueError as error:
            self._report(line, str(error), "put it in quotes if it is text")
            return None

    def _list(self, line: int, depth: int) -> Listed:
        node = Listed(line)
        while not isinstance(event := self._next(), SequenceEndEvent):
            node.lines.append(_line(event))
            node.append(self._node(event, depth + 1))
        return node

    def _mapping(self, line: int, depth: int) -> Keyed:
        node, merged = Keyed(line), []
        while not isinstance(event := self._next(), MappingEndEvent):
            at = _line(event)
            key = self._key(event, at, depth)
            value = self._node(self._next(), depth + 1)
            if key == "<<":
                merged.append((at, value))
            elif key is not None and key in node:
                cure = f"it stands in line {node.lines[key]} already: keep one"
                self._report(at, f"duplicate key {quoted(key)}", cure)
            elif key is not None:
                node[key], node.lines[key] = value, at
        for at, value in merged:
            self._merge(node, value, at)
        return node

    def _key(self, event: Any, line: int, depth: int) -> str | None:
        key = self._node(event, depth + 1)
        if isinstance(event, ScalarEvent) and event.value and not event.tag:
            return str(event.value)
        if not isinstance(key, str) or not key:
            self._report(line, "a key is not text", "write KEY: VALUE")
            return None
        return key

    def _merge(self, node: Keyed, value: Any, line: int) -> None:
        for part in value if isinstance(value, Listed) else [value]:
            if not isinstance(part, Keyed):
                self._report(line, "<< takes in a section by its alias", "<<: *NAME, with &NAME at the section")
                continue
            for key in part.keys() - node.keys():
                node[key], node.lines[key] = part[key], part.lines[key]

    def _report(self, line: int, message: str, cure: str) -> None:
        self.problems.append(Problem(self.name, line, "", message, cure))
        if len(self.problems) == MOST_PROBLEMS:
            raise ConfigError(self.problems)

    def _stop(self, line: int, message: str, cure: str) -> NoReturn:
        self._report(line, message, cure)
        raise ConfigError(self.problems)


def _line(event: Any) -> int:
    return int(event.start_mark) + 1
