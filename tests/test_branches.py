"""The check of branch coverage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import branches


def report(tmp_path: Path, covered: int) -> Path:
    path = tmp_path / "report.json"
    file = {"summary": {"missing_branches": 100 - covered}, "missing_branches": [[7, 8], [7, -1], [3, 5]]}
    totals = {"num_branches": 100, "covered_branches": covered, "percent_covered": 99.0}
    path.write_text(json.dumps({"totals": totals, "files": {"exporter/a.py": file}}))
    return path


@pytest.mark.parametrize(("covered", "code"), [(94, 1), (95, 1), (96, 0)])
def test_covered_lines_do_not_make_up_for_branches(tmp_path: Path, covered: int, code: int) -> None:
    assert branches.main(report(tmp_path, covered)) == code


def test_the_worst_files_are_listed_with_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    branches.main(report(tmp_path, 94))
    output = capsys.readouterr().out
    assert "94.0 % of the 100 branches" in output
    assert "exporter/a.py: 6 not covered, from lines 3, 7" in output
