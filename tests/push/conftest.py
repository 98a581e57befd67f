"""A server whose posts go to a stand-in for Deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from exporter.exposition.self_metrics import SelfMetrics
from exporter.web.server import ServedState
from tests.exposition.sample import sample_state
from tests.push.fake_deliveries import FakeDeliveries
from tests.push.posts import TOKEN, inbox
from tests.sources.source_context import source_context
from tests.web.live_server import running


@pytest.fixture
def deliveries() -> FakeDeliveries:
    """One inbox with one entity and one with two."""
    context = source_context(TOKEN=TOKEN)
    return FakeDeliveries({"shop": inbox("deals", context=context), "both": inbox("deals", "people", context=context)})


@pytest.fixture
def state(deliveries: FakeDeliveries) -> ServedState:
    """A served state that accepts posts."""
    served = sample_state()
    served.self_metrics = SelfMetrics()
    served.deliveries = cast("Any", deliveries)
    return served


@pytest.fixture
def port(state: ServedState) -> Iterator[int]:
    """The port of the server."""
    with running(state) as port:
        yield port
