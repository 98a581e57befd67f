"""The quick scanner against the plain one: the same events, or both refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config.yaml_scanner import Events

ROOT = Path(__file__).parent.parent.parent
PIECES = [
    "a",
    "key",
    "long_key_name",
    ": ",
    ":",
    ":\n",
    ",",
    ", ",
    "-",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    "#",
    " #c",
    "&x ",
    "*x",
    "!t ",
    "|\n  x\n",
    ">-\n  y\n",
    "'",
    '"',
    "%YAML 1.1\n",
    "@",
    "`",
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "\n---\n",
    "\n...\n",
    "\t",
    "\r",
    "\r\n",
    "\x85",
    "\u2028",
    "\ufeff",
    " ",
    "  ",
    "é",
    "1e3",
    "\\",
    "\\x41",
    "<<",
    "~",
    "b: c",
    "k: [a, b]",
    "# comment\n",
    "\x07",
]
PARTS = ("value", "implicit", "tag", "anchor", "style")


def line(mark: Any) -> int:
    return mark if isinstance(mark, int) else mark.line


def told(event: Any) -> tuple[object, ...]:
    parts = (getattr(event, name, None) for name in PARTS)
    return (type(event).__name__, *parts, line(event.start_mark), line(event.end_mark))


def plain(text: str) -> list[object]:
    found: list[object] = []
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            found.append(told(event))  # noqa: PERF401  # what came before an error counts
    except (yaml.YAMLError, ValueError) as error:
        found.append((type(error), getattr(error, "problem", None)))
    return found


def quick(text: str) -> list[object]:
    found: list[object] = []
    try:
        events = Events(text)
        while events.check_event():
            found.append(told(events.get_event()))  # type: ignore[no-untyped-call]
    except (yaml.YAMLError, ValueError) as error:
        found.append((type(error), getattr(error, "problem", None)))
    return found


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_odd_text_gives_the_same_events(text: str) -> None:
    assert quick(text) == plain(text)


@pytest.mark.parametrize("path", sorted([*ROOT.glob("config/*.yaml"), *ROOT.glob("tests/data/config/*.yaml")]), ids=str)
def test_real_files_give_the_same_events(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert quick(text) == plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: b c  d # e\nf: g\n h\n\n i\nj: k",
        "a:\n- b: c\n  d: e\n-\n  f: g\n",
        "{a: b, c : d, e: {f: g}, ? h : i, j}",
        "a: {b: c,\n  d: [e, f\n, g]}\n",
        "a: 'it''s'\nb: \"x\\ty\\\n  z\"\nc: |+\n  x\n\nd: >\n  y\n  z\n",
        "a : b\nc:d: e\nf::g: h\n",
        "? a\n: b\n? c\n",
        "---\na: b\n...\n---\nc\n",
        "a:\n  b:\n    c: d\n e: f\n",
    ],
)
def test_well_known_shapes_give_the_same_events(text: str) -> None:
    assert quick(text) == plain(text)
