"""A server that takes posts; modules that serve something else say so themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.exposition.self_metrics import SelfMetrics
from exporter.web.server import ServedState
from tests.exposition.sample import sample_state
from tests.push.posts import TOKEN, source
from tests.push.receiver import Desk
from tests.sources.source_context import source_context
from tests.web.live_server import running


@pytest.fixture
def desk() -> Desk:
    """Keeps what is posted."""
    context = source_context(TOKEN=TOKEN)
    return Desk({"shop": source("deals", context=context), "both": source("deals", "people", context=context)})


@pytest.fixture
def state(desk: Desk) -> ServedState:
    """A surface that takes posts."""
    shown = sample_state()
    shown.self_metrics = SelfMetrics()
    shown.receiver = desk
    return shown


@pytest.fixture
def port(state: ServedState) -> Iterator[int]:
    """Where it listens."""
    with running(state) as port:
        yield port
