"""Hand-computed tables as test cases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

_TABLES = Path(__file__).parents[1] / "golden" / "kpi"


def cases(table: str) -> list[Any]:
    """The cases of a table, one test parameter each, named by what they show."""
    rows = yaml.safe_load((_TABLES / f"{table}.yaml").read_text(encoding="utf-8"))
    names = [row["case"] for row in rows]
    assert len(set(names)) == len(names), f"{table} has two cases of the same name"
    return [pytest.param(row, id=row["case"]) for row in rows]


def number(value: Any) -> Any:
    """A number of a table: plain, or written as the arithmetic that leads to it."""
    if not isinstance(value, str):
        return value
    assert re.fullmatch(r"[-+*/() .0-9]+", value), f"{value!r} is not arithmetic"
    return eval(value)


def close(value: Any) -> Any:
    """What a result must equal, up to the last bits of a binary fraction."""
    value = number(value)
    return value if value is None or isinstance(value, str | bool) else pytest.approx(value, rel=1e-12, abs=1e-12)


def instant(value: str) -> datetime:
    """An instant of a table in UTC."""
    return datetime.fromisoformat(value).astimezone(UTC)


def instants(first: int, last: int) -> st.SearchStrategy[datetime]:
    """Any instants from the start of one year until the start of another."""
    start = datetime(first, 1, 1, tzinfo=UTC)
    seconds = int((datetime(last, 1, 1, tzinfo=UTC) - start).total_seconds())
    return st.integers(0, seconds).map(lambda passed: start + timedelta(seconds=passed))
