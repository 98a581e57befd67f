"""What a source is doing, in one word, from how its passes went."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from exporter.errors import Reason
from exporter.naming import SourceState
from exporter.sources.backoff import FAILURE_LIMIT
from exporter.store.state import Outcome

_AUTH = frozenset({Reason.UNAUTHORIZED, Reason.FORBIDDEN})
_SCHEMA = frozenset({Reason.SCHEMA, Reason.NOT_JSON, Reason.TOO_MANY_REJECTED})
_GONE = frozenset({Reason.CONNECT, Reason.DNS, Reason.TLS, Reason.TIMEOUT, Reason.BLOCKED_ORIGIN, Reason.BREAKER_OPEN})


def source_state(
    entities: Collection[str], outcomes: Iterable[Outcome], *, paused: bool = False, reading: bool = False
) -> SourceState:
    """The state of a source that reads `entities`, of which `outcomes` holds those that were ever tried.

    `paused`: the store cannot take anything, so nothing is read. `reading`: a pass is being made right now.
    """
    known = [outcome for outcome in outcomes if outcome.entity in entities]
    failing = [outcome for outcome in known if outcome.failures]
    if paused:
        return SourceState.PAUSED
    if failing:
        return _trouble(failing, all_fail=len(failing) == len(entities))
    if len([outcome for outcome in known if outcome.last_success]) == len(entities):
        return SourceState.OK
    begun = reading or any(outcome.staged or outcome.last_success for outcome in known)
    return SourceState.BACKFILL if begun else SourceState.STARTING


def _trouble(failing: list[Outcome], *, all_fail: bool) -> SourceState:
    """The state that says most plainly what to do about it."""
    reasons = {outcome.reason for outcome in failing}
    if reasons & _AUTH:
        return SourceState.AUTH_FAILED
    if Reason.RATE_LIMITED in reasons:
        return SourceState.RATE_LIMITED
    if reasons & _SCHEMA:
        return SourceState.SCHEMA_ERROR
    down = all(outcome.reason in _GONE or outcome.failures >= FAILURE_LIMIT for outcome in failing)
    return SourceState.DOWN if all_fail and down else SourceState.DEGRADED
