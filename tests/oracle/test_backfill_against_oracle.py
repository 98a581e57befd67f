"""The file that a backfill writes, read as Prometheus reads it, holds what the oracle says at each step.

Statuses are compared where there is no verdict: verdicts depend on the step before, by hysteresis.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.commands import backfill
from tests.oracle.comparing import differences
from tests.oracle.judging import VERDICTS
from tests.oracle.kpis import KpiOracle
from tests.oracle.life import Company, World, companies, world_of
from tests.oracle.test_against_oracle import search

SeriesSample = tuple[str, tuple[tuple[str, str], ...], datetime]
_FAMILIES = ("value", "target", "target_ratio", "pace_ratio")


@search(3)
@given(companies())
def test_a_backfill_holds_the_oracle_s_answers_at_each_step(company: Company) -> None:
    with world_of(company) as world:
        world.run()
        steps = sorted({at.replace(microsecond=0) for at in company.instants})
        end = company.syncs[-1].ended_at
        with TemporaryDirectory() as folder:
            out = Path(folder) / "history.om"
            backfill.write(
                world.config, world.store, lambda _: steps, out, clock=lambda: end, on_progress=lambda *_: None
            )
            text = out.read_text()
    differences(_written(text), _expected(world, steps, end))


def _written(text: str) -> dict[SeriesSample, float]:
    """The KPIs' numbers, and 1 for each status that is no verdict."""
    result: dict[SeriesSample, float] = {}
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        name = family.name.removeprefix("team_").removeprefix("person_").removeprefix("kpi_")
        for sample in family.samples:
            status = name == "status" and sample.value == 1 and sample.labels["status"] not in VERDICTS
            if status or name in _FAMILIES:
                at = datetime.fromtimestamp(float(sample.timestamp), UTC)
                result[family.name, tuple(sorted(sample.labels.items())), at] = sample.value
    return result


def _expected(world: World, steps: list[datetime], judged_at: datetime) -> dict[SeriesSample, float]:
    oracle, freshness = KpiOracle(world.plain, world.records), world.freshness(judged_at)
    result: dict[SeriesSample, float] = {}
    for at in steps:
        for (kpi, scope, team, person), said in oracle.values(freshness, at).items():
            judged = said.judged
            prefix = "" if scope == "company" else f"{scope}_"
            labels = {"kpi": kpi}
            labels |= {} if scope == "company" else {"team": team or ""}
            labels |= {"person": person} if person is not None else {}
            for name in _FAMILIES:
                value = getattr(judged, name)
                if value is not None:
                    result[f"{prefix}kpi_{name}", tuple(sorted(labels.items())), at] = value
            if judged.status not in VERDICTS:
                result[f"{prefix}kpi_status", tuple(sorted({**labels, "status": judged.status}.items())), at] = 1.0
    return result
