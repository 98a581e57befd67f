"""The request to accept what was lost when a damaged store was rebuilt, and how it is carried out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from exporter.control.requests import Answer, ControlRequest
from exporter.store.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AcceptLoss(ControlRequest):
    """Accepts the loss in all rebuilds so far. The answer is `{"rebuilds": [a sentence for each]}`."""

    command: ClassVar[str] = "accept-loss"


def accept_loss(store: Store, now: datetime) -> Answer:
    """Carries the request out and logs it. Raises StoreError."""
    rebuilds = [str(rebuild) for rebuild in store.accept_loss(now)]
    for rebuild in rebuilds:
        _log.warning("the loss of pushed records was accepted: %s", rebuild)
    return {"rebuilds": rebuilds}
