"""A short soak: the same faults, and the same verdict."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.soak.report import PAGE, table, with_table
from tests.soak.run import LOST_SAMPLES, SoakResult, run
from tests.soak.storm import StormResult


def test_no_scrape_fails_and_no_sample_is_lost_under_faults(tmp_path: Path) -> None:
    result = run(tmp_path, seconds=45, owners=5_000)
    assert result.faults() == [], table(result)


def good() -> SoakResult:
    """A run in which nothing went wrong."""
    lost = dict.fromkeys(LOST_SAMPLES, 0.0)
    storm = StormResult(Counter({"200": 9, "503": 1}), [0.1] * 10)
    return SoakResult(600, 500, 120, 0, 0.2, lost, storm, 1, 40, 9, 101, 500.0, [100.0] * 600)


BAD: dict[str, dict[str, object]] = {
    "scrapes failed": {"failed_scrapes": 1},
    "samples were dropped": {"lost_samples": {LOST_SAMPLES[0]: 1.0}},
    "storm requests failed": {"storm": StormResult(Counter({"200": 9, "503": 1, "500": 1}))},
    "refusals were not counted": {"refusals": 0.0},
    "the vendor never failed": {"vendor_errors": 0},
    "the label has too many values": {"series": 102},
    "the series do not add up to the records": {"counted": 499.0},
    "memory grew": {"memory": [100.0] * 400 + [111.0] * 200},
}


@pytest.mark.parametrize("fault", BAD)
def test_every_fault_is_found(fault: str) -> None:
    result = good()
    assert result.faults() == []
    for name, value in BAD[fault].items():
        setattr(result, name, value)
    assert result.faults() == [fault]


def test_the_table_fits_into_the_page() -> None:
    page = with_table(PAGE.read_text(encoding="utf-8"), table(good()))
    assert "| failed scrapes | 0 |" in page
    with pytest.raises(ValueError, match="no place"):
        with_table("# Soak", "")
