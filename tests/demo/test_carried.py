"""The same company gives the same numbers, whichever vendors carry its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.config.fields import Scope, Status
from exporter.demo import company
from exporter.demo.phones import LINES
from exporter.kpi.values import Evaluation
from tests.demo.carried import carried

EVENING = datetime(2026, 1, 15, 20, 30, tzinfo=UTC)
"""A Thursday after hours, when nobody is on the telephone: a call counts at Aircall when it is answered, at Twilio
when it is over."""

Measured = Mapping[tuple[object, ...], tuple[float | None, Status | None]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Measured]]:
    """What comes out in the evening after passes at noon, in a busy hour, and then, through these vendors."""

    def through(vendors: str) -> Measured:
        directory: Path = tmp_path_factory.mktemp("carried") / "data"
        with carried(vendors, EVENING - timedelta(hours=8, minutes=30), directory) as exporter:
            assert exporter.sync().success
            exporter.hands.now = EVENING
            assert exporter.sync().success
            return _measured(exporter.evaluate())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(company, "WARM_UP", timedelta(days=10))
        yield through


@pytest.fixture(scope="module")
def standard(read: Callable[[str], Measured]) -> Measured:
    """Through the vendors that the demo's config names."""
    return read("hubspot,aircall")


def _measured(evaluation: Evaluation) -> Measured:
    """Values and statuses of all KPIs, and values of all metrics, by what they are of."""
    kpis: Measured = {("kpi", k.kpi, k.scope, k.team, k.person): (k.value, k.status) for k in evaluation.kpis}
    return {
        **kpis,
        **{
            ("metric", m.metric, m.scope, m.team, m.person, m.period, m.labels): (m.value, None)
            for m in evaluation.metrics
        },
    }


@pytest.mark.parametrize("vendors", ["hubspot,twilio"])
def test_every_number_is_the_same_for_the_company_its_teams_and_its_people(
    read: Callable[[str], Measured], standard: Measured, vendors: str
) -> None:
    assert read(vendors) == standard


def test_what_is_compared_is_there(standard: Measured) -> None:
    known = [key for key, (value, _) in standard.items() if value is not None]
    for kpi in ("service_level", "speed_of_answer", "weekly_calls"):
        assert ("kpi", kpi, Scope.COMPANY, None, None) in known
    assert len({key[4] for key in known if key[:3] == ("kpi", "speed_of_answer", Scope.PERSON)}) > 30
    assert len({key[3] for key in known if key[:3] == ("kpi", "weekly_calls", Scope.TEAM)}) == 5
    assert {key[6] for key in known if key[:3] == ("metric", "calls_abandoned", Scope.COMPANY)} == {
        (("queue", line),) for line in LINES
    }
