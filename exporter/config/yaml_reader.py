"""Reads YAML into a plain tree that knows the line of every key, within limits that stop hostile files early."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from exporter.config.messages import quoted
from exporter.config.positions import Origin, YamlList, YamlMapping
from exporter.config.yaml_errors import syntax_problem
from exporter.errors import ConfigError, Problem

try:  # 25 times as fast as the pure Python parser, which stays for platforms without libyaml
    from yaml import CSafeLoader as Loader
except ImportError:  # pragma: no cover  # every wheel of PyYAML contains libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

MAX_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_LINES = 25_000
MAX_WRITTEN = 50_000
"""Keys and values as written in the file."""
MAX_NODES = 100_000
"""Keys and values with every alias expanded."""
MAX_PROBLEMS = 100
"""Problems after which reading stops."""
_SIZE_HINT = "a config has some hundred lines"

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_MAX_DIGITS = 18

YamlScalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """The tree of a config file, and problems of the YAML that did not prevent reading the rest."""

    origin: Origin
    problems: tuple[Problem, ...]


def read(path: Path, name: str, option: str = "--config") -> str:
    """The text of a config file. Raises ConfigError, in which the file is called `name`, and `option` names another."""
    try:
        if path.is_dir():
            raise ConfigError([Problem(name, 0, "", "this is a directory", f"name the file in it with {option}")])
        if not path.is_file():
            raise ConfigError([Problem(name, 0, "", "the file does not exist", f"name another with {option}")])
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ConfigError([Problem(name, 0, "", "the file is larger than 1 MiB", _SIZE_HINT)])
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(name, 0, "", f"the file cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(name, line, "", "the file is not UTF-8", "save it as UTF-8")]) from None


def parse(text: str, name: str) -> YamlDocument:
    """The tree of YAML text. Raises ConfigError if it cannot be read to its end."""
    if len(text.splitlines()) > MAX_LINES:
        raise ConfigError([Problem(name, 0, "", f"the file has more than {MAX_LINES} lines", _SIZE_HINT)])
    builder = _TreeBuilder(name)
    try:
        tree = builder.build(text)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ConfigError([*builder.problems, syntax_problem(error, text, name, builder.line)]) from None
    return YamlDocument(Origin(name, tree), tuple(builder.problems))


def scalar(text: str) -> YamlScalar:
    """The value of unquoted text. Raises ValueError for a number that is too large or not finite.

    Deliberately narrower than YAML 1.1: `no`, `on`, `12:30:00`, `010`, `0x1F`, `1_000` and dates stay text.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not (text[0].isdigit() or text[0] in "-+."):
        return text
    if _INTEGER.fullmatch(text):
        if len(text.lstrip("+-")) > _MAX_DIGITS:
            raise ValueError(f"the number has more than {_MAX_DIGITS} digits")
        return int(text)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("infinity and not-a-number are not allowed")
    if not _DECIMAL.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("the number is too large")
    return number


@dataclass(frozen=True, slots=True)
class _Anchor:
    value: Any
    nodes: int
    depth: int


@dataclass(slots=True)
class _TreeBuilder:
    """Builds the tree from parser events, which can be counted as they come.

    PyYAML's own composer recurses without a limit: libyaml's crashes the process at 100,000 opening brackets.
    """

    name: str
    loader: Any = field(init=False)
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, _Anchor | None] = field(default_factory=dict)
    line: int = 1
    node_count: int = 0
    written_count: int = 0
    deepest: int = 0

    def build(self, text: str) -> Any:
        self.loader = Loader(text)
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            self._stop("the file is empty", "config/README.md shows what to write", 1)
        tree = self._node(self._next(), 1)
        self._next()
        if not isinstance(self._next(), yaml.StreamEndEvent):
            self._stop("a second document begins", "keep one, without ---")
        return tree

    def _next(self) -> Any:
        event = self.loader.get_event()
        self.line = event.start_mark.line + 1
        return event

    def _node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        self.written_count += 1
        if self.written_count > MAX_WRITTEN:
            self._stop(f"there are more than {MAX_WRITTEN} keys and values", _SIZE_HINT)
        self._count(1, depth)
        if event.tag is not None:
            self._report("a tag, which begins with !, has no meaning here", "put text that begins with ! in quotes")
        if event.anchor is None:
            return self._value(event, depth)
        nodes, deepest = self.node_count, self.deepest
        self.anchors[event.anchor], self.deepest = None, depth
        value = self._value(event, depth)
        self.anchors[event.anchor] = _Anchor(value, self.node_count - nodes + 1, self.deepest - depth)
        self.deepest = max(deepest, self.deepest)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        return self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else self._list(depth)

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Any:
        anchor = self.anchors.get(str(event.anchor))
        if anchor is None:
            # the message omits the name, because a password may begin with an asterisk
            self._report(
                "an alias, which begins with *, has no anchor above it", "put text that begins with * in quotes"
            )
            return None
        self._count(anchor.nodes, depth + anchor.depth)
        return anchor.value

    def _count(self, nodes: int, depth: int) -> None:
        self.node_count += nodes
        self.deepest = max(self.deepest, depth)
        if depth > MAX_DEPTH:
            self._stop(f"the nesting is deeper than {MAX_DEPTH} levels", "a config needs about ten")
        if self.node_count > MAX_NODES:
            self._stop(f"there are more than {MAX_NODES} values with aliases expanded", "use fewer aliases")

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        text = event.value
        if not text.isprintable() and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            self._report("the text contains an invalid character", "remove \\0 and incomplete \\u pairs")
            return None
        if not event.implicit[0]:
            return text
        try:
            return scalar(text)
        except ValueError as error:
            self._report(str(error), "put it in quotes if it is text")
            return None

    def _list(self, depth: int) -> YamlList:
        node = YamlList(self.line)
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            node.lines.append(self.line)
            node.append(self._node(event, depth + 1))
        return node

    def _mapping(self, depth: int) -> YamlMapping:
        node, merges = YamlMapping(self.line), []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            line = self.line
            key = self._key(event, depth)
            value = self._node(self._next(), depth + 1)
            if key == "<<":
                merges.append((line, value))
            elif key is not None and key in node:
                self._report(f"duplicate key {quoted(key)}", f"it is already in line {node.lines[key]}: keep one", line)
            elif key is not None:
                node[key], node.lines[key] = value, line
        for line, value in merges:
            self._merge(node, value, line)
        return node

    def _key(self, event: Any, depth: int) -> str | None:
        line = self.line
        key = self._node(event, depth + 1)
        if isinstance(event, yaml.ScalarEvent) and event.value and not event.tag:
            return event.value
        if not isinstance(key, str) or not key:
            self._report("a key is not text", "write KEY: VALUE", line)
            return None
        return key

    def _merge(self, node: YamlMapping, value: Any, line: int) -> None:
        for section in value if isinstance(value, YamlList) else [value]:
            if not isinstance(section, YamlMapping):
                self._report("<< needs the alias of a section", "<<: *NAME, with &NAME at the section", line)
                continue
            for key in section.keys() - node.keys():
                node[key], node.lines[key] = section[key], section.lines[key]

    def _report(self, message: str, hint: str, line: int | None = None) -> None:
        self.problems.append(Problem(self.name, line or self.line, "", message, hint))
        if len(self.problems) == MAX_PROBLEMS:
            raise ConfigError(self.problems)

    def _stop(self, message: str, hint: str, line: int | None = None) -> NoReturn:
        self._report(message, hint, line)
        raise ConfigError(self.problems)
