"""The benchmarks' command line, and that every case is there; what they measure is no test."""

from __future__ import annotations

import importlib

import pytest

from tests.bench.__main__ import CASES, parsed


def test_without_a_case_all_are_measured() -> None:
    said = parsed([])
    assert (said.cases, said.markdown) == (list(CASES), False)


def test_some_cases_are_measured_in_the_order_in_which_they_are_named() -> None:
    said = parsed(["start", "render", "--markdown"])
    assert (said.cases, said.markdown) == (["start", "render"], True)


def test_a_case_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(["speed"])
    assert "'backfill'" in capsys.readouterr().err


@pytest.mark.parametrize("case", CASES)
def test_every_case_can_be_run(case: str) -> None:
    assert callable(importlib.import_module(f"tests.bench.{case}").run)
