"""The table of what goes wrong is whole: for each pitfall and provider a test that exists, or a reason."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.sources.registry import PROVIDERS
from tests.sources.vendors import ACCOUNTS

HERE = Path(__file__).parent
TABLE: dict[str, dict[str, Any]] = yaml.safe_load(
    (HERE.parent / "data" / "sources" / "pitfalls.yaml").read_text(encoding="utf-8")
)
PULLED = sorted(PROVIDERS.keys() - {"push"})
"""Providers that read. What is pushed is asked of nobody: no page, filter or limit of a vendor is in the way."""


def cell(pitfall: str, provider: str) -> Any:
    row = TABLE[pitfall]
    return row.get("every provider") or row.get(provider)


def named(cell: Any) -> list[str]:
    """The tests of a cell."""
    return [] if isinstance(cell, dict) else [cell] if isinstance(cell, str) else list(cell)


@cache
def functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("pitfall", TABLE)
def test_each_pitfall_has_its_test_for_each_provider_or_a_reason_why_not(pitfall: str) -> None:
    assert [fault for provider in PULLED for fault in faults(cell(pitfall, provider), provider)] == []


def faults(found: Any, provider: str) -> list[str]:
    """What is wrong with a cell."""
    if isinstance(found, dict):
        reason = str(found.get("not", ""))
        return [] if len(found) == 1 and len(reason) >= 10 else [f"{provider}: a reason is a sentence under `not`"]
    return [f"{provider}: {test}" for test in named(found) if not runs(test, provider)] if found else [provider]


def runs(test: str, provider: str) -> bool:
    """Whether there is such a test, and one that runs for the provider."""
    file, _, name = test.partition("::")
    function, _, parameter = name.removesuffix("]").partition("[")
    shared = parameter == provider and provider in ACCOUNTS
    return function in functions((HERE / file).resolve()) and (not parameter or shared)


def test_each_pitfall_says_what_it_is_and_names_only_providers() -> None:
    for pitfall, row in TABLE.items():
        assert len(row["about"]) > 20, pitfall
        assert row.keys() - {"about"} in ({"every provider"}, set(PULLED)), pitfall
