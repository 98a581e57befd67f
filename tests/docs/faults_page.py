"""docs/reference/faults.md: every fault of tests/data/faults.yaml with the tests that show what a user sees of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/faults.md"
TABLE = ROOT / "tests/data/faults.yaml"

_BEGIN = """\
# Faults

What a user sees of each fault, and the tests that show it. `tests/data/faults.yaml` has this table; `make generate` writes
the page.
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault with the tests that show it, or with the reason why there is none."""

    number: int
    fault: str
    seen: str
    tests: tuple[str, ...]
    reason: str


def sections() -> dict[str, list[Fault]]:
    """The faults by section, in the order of the table."""
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return {title: [_fault(number, row) for number, row in rows.items()] for title, rows in table.items()}


def _fault(number: int, row: Mapping[str, object]) -> Fault:
    unknown = row.keys() - {"fault", "seen", "tests", "not"}
    assert not unknown, f"fault {number} has unknown keys: {unknown}"
    tests = row.get("tests", [])
    assert isinstance(tests, list)
    return Fault(number, str(row["fault"]), str(row.get("seen", "")), tuple(tests), str(row.get("not", "")))


def page() -> str:
    """The text of the page."""
    return "\n".join([_BEGIN, *(line for title, faults in sections().items() for line in _section(title, faults))])


def _section(title: str, faults: list[Fault]) -> Iterator[str]:
    yield from (f"## {title}", "", "| # | fault | what you see | tests |", "|---|---|---|---|")
    for fault in faults:
        shown = "<br>".join(f"`{test}`" for test in fault.tests) or f"none: {fault.reason}"
        yield f"| {fault.number} | {fault.fault} | {fault.seen or 'nothing'} | {shown} |"
    yield ""


def exists(test: str) -> bool:
    """True if a file has a test of this name, given as `file::test` or `file::class::test`."""
    file, _, names = test.partition("::")
    return bool(names) and names in _definitions(ROOT / file)


@cache
def _definitions(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    return frozenset(_names(ast.parse(path.read_text(encoding="utf-8")).body))


def _names(nodes: list[ast.stmt]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name, body=body):
                yield from (f"{name}::{inner}" for inner in _names(body))
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name  # a state machine's test case
