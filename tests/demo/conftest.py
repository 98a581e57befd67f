"""A simulated company: half a year up to a Friday afternoon."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from exporter.demo.company import company as history
from exporter.demo.company.company import DemoCompany

FRIDAY = datetime(2026, 3, 13, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def company() -> DemoCompany:
    """The company with seed 7 as of FRIDAY."""
    simulated = DemoCompany(7, date(2025, 9, 1))
    simulated.advance(int(FRIDAY.timestamp()))
    return simulated


@pytest.fixture(scope="session")
def now() -> int:
    """FRIDAY in seconds since 1970."""
    return int(FRIDAY.timestamp())


@pytest.fixture
def young(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the warm-up of new companies to ten days, which is faster to simulate."""
    monkeypatch.setattr(history, "WARM_UP", timedelta(days=10))
