"""Environments of processes whose wall clock is wrong, and whose monotonic clock is right."""

from __future__ import annotations

from pathlib import Path

from tests.programs import program


def shifted_by(file: Path) -> dict[str, str]:
    """The clock is off by what the file says, such as +3h; by nothing at first."""
    file.write_text("+0")
    return _faked(FAKETIME_TIMESTAMP_FILE=str(file), FAKETIME_NO_CACHE="1")


def starting_at(instant: str) -> dict[str, str]:
    """The clock starts at this instant, in UTC, with the process."""
    return _faked(FAKETIME=f"@{instant}", TZ="UTC")


def _faked(**variables: str) -> dict[str, str]:
    (library,) = (program("faketime").parents[1] / "lib").glob("*/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", **variables}
