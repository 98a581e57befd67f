"""For each known pitfall, every provider has a test that exists and runs, or a reason why the pitfall cannot happen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.sources.registry import PROVIDERS
from tests.sources.test_vendors import READ
from tests.sources.vendors import ACCOUNTS

HERE = Path(__file__).parent
DATA = HERE.parent / "data" / "sources"
FIXTURES = {"account": set(ACCOUNTS), "read_account": set(READ)}
"""Fixtures of test_vendors.py to the providers that a test with it runs for."""

PULLED = sorted(PROVIDERS)
"""Providers that read. Posted records meet no page, filter or limit of a vendor."""


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


PITFALLS = read(DATA / "pitfalls.yaml")


@cache
def own_tests(provider: str) -> dict[str, Any]:
    """Pitfall to the provider's own tests, or to a section with a reason."""
    path = DATA / "pitfalls" / f"{provider}.yaml"
    return read(path) if path.exists() else {}


@cache
def functions(path: Path) -> dict[str, set[str]]:
    """Function to the names of its parameters; empty if there is no such file."""
    if not path.exists():
        return {}
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.name: {arg.arg for arg in node.args.args} for node in nodes if isinstance(node, ast.FunctionDef)}


def faults(pitfall: str, provider: str) -> Iterator[str]:
    """What is wrong with the tests that a provider has for a pitfall."""
    own = own_tests(provider).get(pitfall, [])
    shared = PITFALLS[pitfall].get("every provider", [])
    for_accounts = [f"{test}[{provider}]" for test in PITFALLS[pitfall].get("every account", [])]
    if isinstance(own, dict):
        if own.keys() != {"not"} or len(own["not"]) < 10:
            yield f"{provider}: a reason is a sentence under `not`"
        return
    tests = [*own, *shared, *(test for test in for_accounts if runs(test, provider))]
    yield from (f"{provider}: there is no test {test}" for test in own + shared if not runs(test, provider))
    if not tests:
        yield f"{provider}: tests/data/sources/pitfalls/{provider}.yaml names no test for it, and no reason"


def runs(test: str, provider: str) -> bool:
    """Whether there is such a test and it runs for the provider."""
    file, _, name = test.partition("::")
    function, _, parameter = name.removesuffix("]").partition("[")
    parameters = functions((HERE / file).resolve()).get(function)
    if parameters is None:
        return False
    covered = set.intersection(*(FIXTURES[name] for name in parameters & FIXTURES.keys()), set(ACCOUNTS))
    return not parameter or (parameter == provider and provider in covered)


@pytest.mark.parametrize("pitfall", PITFALLS)
def test_each_pitfall_has_its_test_for_each_provider_or_a_reason_why_not(pitfall: str) -> None:
    assert [fault for provider in PULLED for fault in faults(pitfall, provider)] == []


def test_each_test_that_every_account_shares_exists() -> None:
    for pitfall in PITFALLS.values():
        for test in pitfall.get("every account", ()):
            assert runs(f"{test}[stripe]", "stripe"), test


def test_each_pitfall_says_what_it_is() -> None:
    for pitfall, row in PITFALLS.items():
        assert len(row["about"]) > 20, pitfall
        assert row.keys() <= {"about", "every provider", "every account"}, pitfall


def test_the_files_name_only_providers_and_pitfalls() -> None:
    assert {path.stem for path in (DATA / "pitfalls").glob("*.yaml")} == set(PULLED)
    for provider in PULLED:
        assert own_tests(provider).keys() <= PITFALLS.keys(), provider
