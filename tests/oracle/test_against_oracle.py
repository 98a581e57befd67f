"""Generated companies: whatever is asked, live or of the past, the oracle answers the same.

To search longer, set ORACLE_EXAMPLES: `ORACLE_EXAMPLES=2000 pytest tests/oracle` tries that many companies, other ones
at each run.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from exporter.evaluation.evaluator import Evaluator
from tests.oracle.comparing import assert_same
from tests.oracle.life import Company, companies, world_of

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "0"))
search = settings(
    max_examples=EXAMPLES or 15,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@search
@given(companies())
def test_live_evaluations_after_each_sync_give_the_oracle_s_answers(company: Company) -> None:
    with world_of(company) as world:
        evaluator = Evaluator(world.config, world.store)
        for sync in world.syncs():
            assert_same(world, evaluator.evaluate(sync.ended_at, None).evaluation, sync.ended_at)


@search
@given(companies())
def test_values_at_any_instant_give_the_oracle_s_answers(company: Company) -> None:
    with world_of(company) as world:
        world.run()
        evaluator = Evaluator(world.config, world.store)
        for at in company.instants:
            assert_same(world, evaluator.evaluate(at, None).evaluation, at)
