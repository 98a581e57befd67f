"""How long to wait after a pass: politeness and patience as pure arithmetic."""

from __future__ import annotations

import random
from dataclasses import dataclass

from exporter.errors import Reason
from exporter.sources.backoff import FAILURE_LIMIT, credential_wait, retry_wait
from exporter.sync.observer import PassReport

_TRANSIENT = frozenset(
    {
        Reason.CONNECT,
        Reason.DNS,
        Reason.TLS,
        Reason.TIMEOUT,
        Reason.PROTOCOL,
        Reason.SERVER_ERROR,
        Reason.BREAKER_OPEN,
        Reason.STORE,
        Reason.INTERNAL,
    }
)
_REFUSED = frozenset({Reason.UNAUTHORIZED, Reason.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Pacing:
    """The waits of the scheduler, in seconds."""

    first_backoff: float = 2.0
    full_retry: float = 3600.0
    """Before a full pass that the vendor's answers made impossible is tried again."""
    spread: float = 0.05
    """Share of the interval by which passes are spread, so that sources do not fall into step."""

    def after(self, report: PassReport, failures: int, interval: float, chance: random.Random) -> float:
        """Seconds until the entity's next pass; `failures` counts this one.

        What may pass by itself is tried again after an exponential, fully jittered wait of at most the interval,
        from the fifth failure on once an interval. Refused credentials are probed after 5 min, growing to 1 h.
        """
        if report.retry_after is not None:
            return report.retry_after + chance.uniform(0, min(1.0, interval * self.spread))
        if report.reason in _REFUSED:
            return max(interval, credential_wait(failures))
        if report.reason in _TRANSIENT and failures < FAILURE_LIMIT:
            return retry_wait(failures, chance.random(), self.first_backoff, interval)
        return interval * (1 + chance.uniform(0, self.spread))
