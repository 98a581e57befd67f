"""After any sequence of changes, interruptions and crashes the stored rows are correct."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError
from exporter.store.store import Store
from exporter.sync.observer import PassReport
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from tests.store.samples import watermarks
from tests.sync.changing_vendor import LAG, Crash, Vendor, VendorSource
from tests.sync.fakes import Recorder
from tests.sync.virtual_time import run

KEYS = st.sampled_from("abcdefghij")
DELAYS = st.sampled_from([timedelta(0), timedelta(seconds=1), LAG])
CHANGES = st.lists(st.tuples(st.sampled_from(["put", "delete", "wait"]), KEYS, DELAYS), max_size=4)
SCRIPTS = st.lists(CHANGES, max_size=4)


@cache
def unused() -> Path:
    """An empty store's directory, made once."""
    folder = Path(tempfile.mkdtemp(prefix="kpi-model-"))
    atexit.register(shutil.rmtree, folder)
    Store.open(folder).close()
    return folder


class History(RuleBasedStateMachine):
    """A vendor, a store, and passes between them that succeed, fail or crash."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kpi-model-"))
        self.runs = 0
        self.versions = 0
        self.vendor = Vendor()
        shutil.copytree(unused(), self.folder / "0")
        self.store = Store.open(self.folder / "0", on_corrupt="fail")

    def teardown(self) -> None:
        try:
            self.settled()
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    @rule(changes=CHANGES)
    def changes_happen(self, changes: list[tuple[str, str, timedelta]]) -> None:
        self.changes(changes)

    @rule(script=SCRIPTS, full=st.booleans())
    def a_pass(self, script: list[list[tuple[str, str, timedelta]]], full: bool) -> None:
        self.plan(script)
        assert self.reads(full=full).success
        self.complete_up_to_the_watermark()

    @rule(script=SCRIPTS, full=st.booleans(), rejected=st.booleans())
    def a_pass_that_fails(self, script: list[list[tuple[str, str, timedelta]]], full: bool, rejected: bool) -> None:
        error = SourceRejectedError(Reason.SCHEMA, "odd") if rejected else SourceUnavailableError(Reason.DNS, "away")
        self.plan(script, lambda: raised(error))
        self.reads(full=full)

    @rule(script=SCRIPTS, full=st.booleans())
    def a_crash_while_reading(self, script: list[list[tuple[str, str, timedelta]]], full: bool) -> None:
        self.plan(script, lambda: raised(Crash()))
        self.reads_until_it_crashes(full=full)

    @rule(script=SCRIPTS, full=st.booleans(), published=st.booleans())
    def a_crash_while_publishing(
        self, script: list[list[tuple[str, str, timedelta]]], full: bool, published: bool
    ) -> None:
        publish = self.store.publish

        def crash(*args: Any, **rest: Any) -> None:
            if published:
                publish(*args, **rest)
            raise Crash

        self.plan(script)
        self.store.publish = crash  # type: ignore[method-assign,assignment]
        self.reads_until_it_crashes(full=full)

    @rule(script=SCRIPTS)
    def a_full_pass_that_pauses(self, script: list[list[tuple[str, str, timedelta]]]) -> None:
        self.plan(script)
        assert self.reads(full=True, pause_after=0.0).reason is None

    @rule()
    def a_restart(self) -> None:
        self.store.close()
        self.store = Store.open(self.store.path.parent, on_corrupt="fail")

    @invariant()
    def no_record_is_there_twice(self) -> None:
        with self.store.reading() as connection:
            (counts,) = connection.execute("SELECT count(*), count(DISTINCT id) FROM deals").fetchall()
        assert counts[0] == counts[1]

    def settled(self) -> None:
        """Once nothing changes any more, a pass of either kind that begins now leaves exactly what there is."""
        self.vendor.events = []
        for full in (False, True):
            for _ in ("the one under way", "a new one"):
                self.vendor.now += 2 * LAG
                assert self.reads(full=full).success
        expected = {key: deal.name for key, deal in self.vendor.deals.items() if not deal.deleted}
        with self.store.reading() as connection:
            rows = connection.execute("SELECT id, name FROM deals WHERE NOT deleted").fetchall()
        assert dict(rows) == expected

    def complete_up_to_the_watermark(self) -> None:
        """Every change up to the watermark is stored, unless a later one already is."""
        (watermark,) = watermarks(self.store).values()
        with self.store.reading() as connection:
            rows = connection.execute("SELECT id, name, deleted FROM deals").fetchall()
        stored = {key: (name, deleted) for key, name, deleted in rows}
        for key, deal in self.vendor.deals.items():
            if deal.updated_at is not None and deal.updated_at <= watermark:
                if deal.deleted:
                    assert key not in stored or stored[key][1]
                else:
                    assert stored[key] == (deal.name, False)

    def happens(self, change: str, key: str, delay: timedelta) -> None:
        if change == "put":
            self.versions += 1
            self.vendor.put(key, f"version {self.versions}", delay)
        elif change == "delete":
            self.vendor.delete(key, delay)
        else:
            self.vendor.now += timedelta(seconds=60)

    def plan(self, script: list[list[tuple[str, str, timedelta]]], *ends: Callable[[], None]) -> None:
        """After each page of the next pass, one entry of the script happens; in the end it fails, if it is to."""
        self.vendor.events = [partial(self.changes, changes) for changes in script]
        self.vendor.events += ends

    def changes(self, changes: list[tuple[str, str, timedelta]]) -> None:
        for change in changes:
            self.happens(*change)

    def reads(self, *, full: bool, pause_after: float | None = None) -> PassReport:
        async def work() -> PassReport:
            thread = StoreThread()
            try:
                runner = PassRunner(self.store, thread, Recorder(), lambda: self.vendor.now)
                errand = PassRequest(VendorSource(self.vendor), "deals", full, pause_after=pause_after)
                return await runner.run(errand)
            finally:
                thread.close()

        return run(work())

    def reads_until_it_crashes(self, *, full: bool) -> None:
        """What is in the files at that moment is all that the next process has."""
        self.runs += 1
        after = self.folder / str(self.runs)
        try:
            self.reads(full=full)
        except Crash:
            shutil.copytree(self.store.path.parent, after)
            self.store.close()
            self.store = Store.open(after, on_corrupt="fail")


def raised(error: BaseException) -> None:
    raise error


History.TestCase.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHistory = History.TestCase
