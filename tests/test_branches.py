"""The gate on branches says no for the right reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import branches


def report(tmp_path: Path, taken: int) -> Path:
    path = tmp_path / "report.json"
    file = {"summary": {"missing_branches": 100 - taken}, "missing_branches": [[7, 8], [7, -1], [3, 5]]}
    totals = {"num_branches": 100, "covered_branches": taken, "percent_covered": 99.0}
    path.write_text(json.dumps({"totals": totals, "files": {"exporter/a.py": file}}))
    return path


@pytest.mark.parametrize(("taken", "code"), [(94, 1), (95, 1), (96, 0)])
def test_lines_do_not_make_up_for_branches(tmp_path: Path, taken: int, code: int) -> None:
    assert branches.main(report(tmp_path, taken)) == code


def test_what_is_not_taken_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    branches.main(report(tmp_path, 94))
    told = capsys.readouterr().out
    assert "94.0 % of the 100 branches" in told
    assert "exporter/a.py: 6 not taken, from lines 3, 7" in told
