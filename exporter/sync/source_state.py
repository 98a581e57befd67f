"""The state of a source, derived from the outcomes of its passes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from exporter.errors import Reason
from exporter.naming import SourceState
from exporter.sources.backoff import FAILURE_LIMIT
from exporter.store.state import Outcome

_AUTH = frozenset({Reason.UNAUTHORIZED, Reason.FORBIDDEN})
_SCHEMA = frozenset({Reason.SCHEMA, Reason.NOT_JSON, Reason.TOO_MANY_REJECTED})
_UNREACHABLE = frozenset(
    {Reason.CONNECT, Reason.DNS, Reason.TLS, Reason.TIMEOUT, Reason.BLOCKED_ORIGIN, Reason.BREAKER_OPEN}
)


def source_state(
    entities: Collection[str], outcomes: Iterable[Outcome], *, paused: bool = False, reading: bool = False
) -> SourceState:
    """The state of a source with these entities; `outcomes` may lack entities that were never read.

    `paused` says that the store is not writable, so that nothing is read; `reading`, that a pass is running now.
    """
    current = [outcome for outcome in outcomes if outcome.entity in entities]
    failing = [outcome for outcome in current if outcome.failures]
    if paused:
        return SourceState.PAUSED
    if failing:
        return _failure_state(failing, all_fail=len(failing) == len(entities))
    if len([outcome for outcome in current if outcome.last_success]) == len(entities):
        return SourceState.OK
    started = reading or any(outcome.staged or outcome.last_success for outcome in current)
    return SourceState.BACKFILL if started else SourceState.STARTING


def _failure_state(failing: list[Outcome], *, all_fail: bool) -> SourceState:
    """The state that best tells what to do."""
    reasons = {outcome.reason for outcome in failing}
    if reasons & _AUTH:
        return SourceState.AUTH_FAILED
    if Reason.RATE_LIMITED in reasons:
        return SourceState.RATE_LIMITED
    if reasons & _SCHEMA:
        return SourceState.SCHEMA_ERROR
    down = all(outcome.reason in _UNREACHABLE or outcome.failures >= FAILURE_LIMIT for outcome in failing)
    return SourceState.DOWN if all_fail and down else SourceState.DEGRADED
