"""Passes over fake sources."""

from __future__ import annotations

from exporter.store.store import Store
from exporter.sync.observer import PassReport
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from tests.sync.fakes import FakeSource, Recorder, clock
from tests.sync.virtual_time import run


def one_pass(store: Store, source: FakeSource, observer: Recorder | None = None, **errand: object) -> PassReport:
    """The report of a pass over the source's first entity."""

    async def work() -> PassReport:
        thread = StoreThread()
        try:
            runner = PassRunner(store, thread, observer or Recorder(), clock)
            return await runner.run(PassRequest(source, source.entities[0], **errand))  # type: ignore[arg-type]
        finally:
            thread.close()

    return run(work())
