"""The command line of the benchmarks, and whether every case can be imported. Measurements are not tests."""

from __future__ import annotations

import importlib

import pytest

from tests.bench.__main__ import CASES, parse


def test_without_a_case_all_are_measured() -> None:
    options = parse([])
    assert (options.cases, options.markdown) == (list(CASES), False)


def test_named_cases_are_measured_in_their_order() -> None:
    options = parse(["start", "render", "--markdown"])
    assert (options.cases, options.markdown) == (["start", "render"], True)


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["speed"])
    assert "'backfill'" in capsys.readouterr().err


@pytest.mark.parametrize("case", CASES)
def test_every_case_can_be_run(case: str) -> None:
    assert callable(importlib.import_module(f"tests.bench.{case}").run)
