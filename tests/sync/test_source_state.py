"""The state of a source, derived from its outcomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.errors import Reason
from exporter.naming import SourceState
from exporter.sources.backoff import FAILURE_LIMIT
from exporter.store.state import Outcome
from exporter.sync.source_state import source_state
from tests.sync.fakes import NOON

DEALS, CALLS = (Outcome("crm", entity, last_success=NOON, watermark=NOON) for entity in ("deals", "calls"))
BOTH = ("deals", "calls")


def failing(outcome: Outcome, reason: Reason, failures: int = 1) -> Outcome:
    return replace(outcome, reason=reason, failures=failures, failed_at=NOON)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), "starting"),
        ((Outcome("crm", "deals"),), "starting"),
        ((Outcome("crm", "deals", staged=5),), "backfill"),
        ((DEALS,), "backfill"),
        ((DEALS, CALLS), "ok"),
        ((failing(DEALS, Reason.UNAUTHORIZED), failing(CALLS, Reason.CONNECT)), "auth_failed"),
        ((failing(DEALS, Reason.FORBIDDEN), CALLS), "auth_failed"),
        ((failing(DEALS, Reason.RATE_LIMITED), failing(CALLS, Reason.SCHEMA)), "rate_limited"),
        ((failing(DEALS, Reason.NOT_JSON), CALLS), "schema_error"),
        ((failing(DEALS, Reason.TOO_MANY_REJECTED), CALLS), "schema_error"),
        ((failing(DEALS, Reason.CONNECT), failing(CALLS, Reason.DNS)), "down"),
        ((failing(DEALS, Reason.CONNECT), CALLS), "degraded"),
        ((failing(DEALS, Reason.SERVER_ERROR), failing(CALLS, Reason.SERVER_ERROR)), "degraded"),
        ((failing(DEALS, Reason.SERVER_ERROR, FAILURE_LIMIT), failing(CALLS, Reason.CAPPED, FAILURE_LIMIT)), "down"),
        ((failing(Outcome("crm", "deals"), Reason.TIMEOUT), failing(Outcome("crm", "calls"), Reason.TLS)), "down"),
    ],
)
def test_the_state_tells_what_to_do(outcomes: tuple[Outcome, ...], expected: str) -> None:
    assert source_state(BOTH, outcomes) == expected


def test_a_running_first_pass_is_a_backfill() -> None:
    assert source_state(BOTH, (), reading=True) is SourceState.BACKFILL
    assert source_state(BOTH, (DEALS, CALLS), reading=True) is SourceState.OK


def test_a_source_is_paused_while_the_store_is_not_writable() -> None:
    assert source_state(BOTH, (failing(DEALS, Reason.CONNECT), CALLS), paused=True) is SourceState.PAUSED


def test_entities_that_are_no_longer_read_do_not_count() -> None:
    assert source_state(("calls",), (failing(DEALS, Reason.CONNECT), CALLS)) is SourceState.OK
