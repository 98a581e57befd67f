"""Whole configs as data files, named by a sentence about what is right or wrong with them.

`CASE.bad.yaml` is refused with the problems in `CASE.bad.txt`, `CASE.ok.yaml` loads with the warnings in
`CASE.ok.txt`. UPDATE_GOLDENS=1 writes the expectations anew: read the diff.
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
def told(path: Path) -> str:
    """Every problem on a line of its own, without the file's name."""
    if ".bad." in path.name:
        with pytest.raises(ConfigError) as refused:
            load(path, {}, check_files=False)
        problems = refused.value.problems
    else:
        problems = load(path, {}, check_files=False).warnings
    lines = "".join(f"{str(problem).removeprefix(f'{path}:')}\n" for problem in problems)
    return re.sub(r"known: aircall, [a-z, ]+", "known: aircall, ...", lines)  # one provider more changes no case


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_problems_are(path: Path) -> None:
    expected = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDENS"):
        expected.write_text(told(path), encoding="utf-8")
    assert told(path) == expected.read_text(encoding="utf-8")


def test_no_expectation_is_left_without_its_case() -> None:
    assert {path.with_suffix(".yaml") for path in DATA.glob("*.txt")} == set(CASES)


def test_there_are_enough_bad_cases() -> None:
    assert len([path for path in CASES if ".bad." in path.name]) >= 60


@pytest.mark.parametrize("path", [path for path in CASES if ".bad." in path.name], ids=lambda path: path.stem)
def test_a_problem_says_where_and_never_shows_a_secret(path: Path) -> None:
    for line in told(path).splitlines():
        number, _, rest = line.partition(":")
        assert number.isdigit() or path.stem.startswith("the_"), line
        assert rest.strip()
        assert "canary" not in line
