"""Whole configs as data files, named after what is right or wrong with them.

`CASE.bad.yaml` is rejected with the problems in `CASE.bad.txt`, `CASE.ok.yaml` loads with the warnings in
`CASE.ok.txt`. UPDATE_GOLDENS=1 rewrites the expectations: read the diff.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from exporter.config.loader import load
from exporter.errors import ConfigError

DATA = Path(__file__).parent.parent / "data" / "config"
CASES = sorted(DATA.glob("*.yaml"))


@cache
def messages(path: Path) -> str:
    """One line per problem, without the name of the file."""
    if ".bad." in path.name:
        with pytest.raises(ConfigError) as error:
            load(path, {}, check_files=False)
        problems = error.value.problems
    else:
        problems = load(path, {}, check_files=False).warnings
    lines = "".join(f"{str(problem).removeprefix(f'{path}:')}\n" for problem in problems)
    return re.sub(r"known: aircall, [a-z, ]+", "known: aircall, ...", lines)  # so that a new provider changes no case


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_problems_and_warnings_are_as_expected(path: Path) -> None:
    expected = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDENS"):
        expected.write_text(messages(path), encoding="utf-8")
    assert messages(path) == expected.read_text(encoding="utf-8")


def test_every_expectation_belongs_to_a_case() -> None:
    assert {path.with_suffix(".yaml") for path in DATA.glob("*.txt")} == set(CASES)


def test_there_are_at_least_sixty_bad_cases() -> None:
    assert len([path for path in CASES if ".bad." in path.name]) >= 60


@pytest.mark.parametrize("path", [path for path in CASES if ".bad." in path.name], ids=lambda path: path.stem)
def test_a_problem_names_its_line_and_shows_no_secret(path: Path) -> None:
    for line in messages(path).splitlines():
        number, _, message = line.partition(":")
        assert number.isdigit() or path.stem.startswith("the_"), line
        assert message.strip()
        assert "canary" not in line
