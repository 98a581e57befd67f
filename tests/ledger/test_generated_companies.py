"""Generated companies: seals are what was so at the end of a period, and the ledger never misses a change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from hypothesis import given

from exporter.config.history import History, Restate
from exporter.config.root import Config
from exporter.evaluation.evaluator import Evaluator
from exporter.kpi.readings import name_of
from exporter.ledger.closing import PeriodCloser
from exporter.ledger.entries import is_same
from exporter.ledger.keeper import LedgerKeeper
from exporter.ledger.periods import FinalPeriods, PastPeriod
from exporter.ledger.view import StoreView
from exporter.metrics.values import Group
from exporter.seals import NO_RESULT, PeriodResult, ResultKey
from exporter.store.ledger import read_looks, read_standing
from exporter.store.store import Store
from tests.oracle.life import Company, World, companies, world_of
from tests.oracle.test_against_oracle import search


def ledger_config(world: World, restate: Restate) -> Config:
    """The company's config, with periods that need not settle."""
    return world.config.model_copy(
        update={"history": History(settling=0, restate=restate, retention=timedelta(days=20))}
    )


def keep(ledger: LedgerKeeper, at: datetime) -> datetime:
    """Updates the ledger until nothing is left to do, for hours if it takes that long; gives the instant then."""
    for _ in range(3):
        while ledger.update(at).looks:
            at += timedelta(seconds=1)
        at += timedelta(hours=1)
    return at


@search(2)
@given(companies())
def test_a_seal_is_the_previous_value_at_the_end_of_its_period(company: Company) -> None:
    with world_of(company) as world:
        world.run()
        config = ledger_config(world, Restate.ALWAYS)
        keep(LedgerKeeper(config, world.store), company.syncs[-1].ended_at)
        evaluator = Evaluator(config, world.store)
        seals = world.store.seals()
        for end in sorted({seal.end for seal in seals})[-6:]:
            values = evaluator.evaluate(end, None).evaluation.kpis
            previous = {
                (value.kpi, value.scope, name_of(Group(value.team, value.person))): value.previous_value
                for value in values
                if value.period_start == end
            }
            for seal in seals:
                key = seal.kpi, seal.scope, seal.key.name
                if seal.end == end and key in previous:
                    assert seal.value == previous[key], (seal, previous[key])


@search(3)
@given(companies())
def test_what_stands_in_the_ledger_is_what_the_records_say(company: Company) -> None:
    with world_of(company) as world:
        config = ledger_config(world, Restate.NEVER)
        ledger = LedgerKeeper(config, world.store)
        at = company.syncs[0].ended_at
        for sync in world.syncs():
            at = keep(ledger, max(at, sync.ended_at))
        stands, says = results(config, world.store, at)
        for key in stands.keys() | says.keys():
            assert is_same(stands.get(key, NO_RESULT), says.get(key, NO_RESULT)), (key, stands.get(key), says.get(key))


def results(
    config: Config, store: Store, at: datetime
) -> tuple[Mapping[ResultKey, PeriodResult], Mapping[ResultKey, PeriodResult]]:
    """What stands in the ledger, and what an evaluation of the sealed periods within the retention says."""
    closer = PeriodCloser(config)
    final = FinalPeriods(config, closer.calendar)
    with store.reading() as reader:
        oldest = at - config.history.retention
        periods = [named(final, look.kpi, look.start) for look in read_looks(reader) if look.end > oldest]
        standing = read_standing(reader, [(period.kpi, period.name) for period in periods])
        fresh = closer.freshness(StoreView.of(reader, config, at))
        values = closer.values(reader, closer.prepare(periods, fresh))
    says = {
        ResultKey(value.kpi, period.name, value.scope, name_of(Group(value.team, value.person))): PeriodResult(
            value.value, value.target, value.target_ratio, value.status
        )
        for period, each in values.items()
        for value in each
    }
    assert len(values) == len(periods)
    return {key: result for key, (_, result) in standing.items()}, says


def named(final: FinalPeriods, name: str, start: datetime) -> PastPeriod:
    """The period of a KPI that starts at an instant."""
    kpi = final.config.kpi_by_name[name]
    return final.named(kpi, final.calendar.period_of(kpi.period, start))
