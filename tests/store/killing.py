"""Processes that are killed while they use a store. Run as a module, it kills its children over and over.

It runs outside of the test's process, which has threads and therefore must not fork.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import duckdb

from exporter.errors import StoreLockedError
from exporter.passes import Page
from exporter.records import Deal, Person
from exporter.store.store import Store
from tests.processes import completed
from tests.store.samples import HOUR, NOW, deal, read

ROOT = Path(__file__).parent.parent.parent
PAGE, PAGES = 40, 6
EDITED = 500
"""How many deals change in every pass of `edit`."""
PR_SET_PDEATHSIG = 1


def abandoned(folder: Path, passes: int) -> None:
    """Leaves the store of a process that was killed after a number of passes, each with one more deal."""
    run("abandon", folder, passes)


def run(task: str, folder: Path, *values: int) -> str:
    """Runs one of the tasks below in a process of its own and returns its output."""
    command = [sys.executable, "-m", "tests.store.killing", task, folder, *values]
    process = completed(command, cwd=ROOT, text=True)
    assert process.returncode == 0, process.stderr
    output: str = process.stdout
    return output


def forked(work: Callable[[], None], until: Callable[[int], None]) -> None:
    """Runs `work` in a child, which is killed once `until`, which reads its output, returns, or its parent dies."""
    output, child_output = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.close(output)
            os.dup2(child_output, 1)
            work()
        except BaseException:  # noqa: BLE001 - the end of a forked child
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(child_output)
    try:
        until(output)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(output)


def say(text: str) -> None:
    """Prints a result of the task."""
    sys.stdout.write(text + "\n")


def abandon(folder: Path, passes: int) -> None:
    """A child that is killed once it has published a number of passes."""

    def work() -> None:
        store = Store.open(folder)
        for number in range(passes):
            read(store, deal(number))
        os.write(1, b"done")
        signal.pause()

    forked(work, lambda output: assert_equal(os.read(output, 4), b"done"))


def assert_equal(actual: object, expected: object) -> None:
    assert actual == expected, actual


def with_many_checkpoints(folder: Path) -> Store:
    """The store of a child, which says that it is open; checkpoints are frequent, so that kills hit some."""
    store = Store.open(folder, on_corrupt="fail")
    with store._database.write() as connection:
        connection.execute("SET GLOBAL checkpoint_threshold = '128KB'")
    os.write(1, b"opened\n")
    return store


def ingest(folder: Path) -> None:
    """Endless passes over new deals; prints `staged <first id>` and `published <passes>` after each step."""
    store = with_many_checkpoints(folder)
    while True:
        done = sum(int(o.cursor or 0) for o in store.outcomes())
        sync_pass = store.begin("crm", "deals", NOW + timedelta(seconds=done))
        start = int(sync_pass.resume or 0)
        for number in range(start, PAGES):
            first = (done * PAGES + number) * PAGE
            records = tuple(Deal(id=str(key), updated_at=NOW, name="x" * 200) for key in range(first, first + PAGE))
            store.stage(sync_pass, "crm", Page(records, resume=str(number + 1)))
            os.write(1, b"staged %d\n" % first)
        store.publish("crm", "deals", full=sync_pass.cursor is None, cursor=str(done + 1), at=NOW)
        os.write(1, b"published %d\n" % (done + 1))


def storm(folder: Path, kills: int, seed: int) -> None:
    """Kills `ingest` at random moments, then prints what was acknowledged and what is stored."""
    say(json.dumps(report(folder, output_of(ingest, folder, kills, seed))))


def output_of(work: Callable[[Path], None], folder: Path, kills: int, seed: int) -> list[str]:
    """Runs `work` and kills it at a random moment, a number of times; returns all lines of its output."""
    rng = random.Random(seed)
    lines: list[str] = []

    def until(output: int) -> None:
        count, text = rng.randint(1, 2 * PAGES), b""
        while text.count(b"\n") <= count:
            chunk = os.read(output, 65536)
            assert chunk, f"the child ended by itself: {text!r}"
            text += chunk
        time.sleep(rng.uniform(0, 0.03))
        lines.extend(text.decode().split("\n"))

    for _ in range(kills):
        forked(lambda: work(folder), until)
    return lines


def deliver(folder: Path) -> None:
    """Endless deliveries, each of two deals and a person; prints `stored <number>` after each one."""
    store = Store.open(folder, on_corrupt="fail")
    with store.reading() as connection:
        row = connection.execute("SELECT max(id::BIGINT) FROM people").fetchone()
    number = (row[0] or 0) + 1 if row else 1
    os.write(1, b"opened\n")
    while True:
        deals = (deal(2 * number), deal(2 * number + 1))
        pages = {"deals": Page(deals), "people": Page((Person(id=str(number)),))}
        store.deliver("shop", pages, NOW + timedelta(seconds=number))
        os.write(1, b"stored %d\n" % number)
        number += 1


def posts(folder: Path, kills: int, seed: int) -> None:
    """Kills `deliver` at random moments, then prints which deliveries were acknowledged and what is stored."""
    lines = output_of(deliver, folder, kills, seed)
    acknowledged = {int(line.split()[1]) for line in lines if line.startswith("stored")}
    store = Store.open(folder, on_corrupt="fail")
    with store.reading() as connection:
        people = [int(key) for (key,) in connection.execute("SELECT id FROM people").fetchall()]
        deals = [int(key) for (key,) in connection.execute("SELECT id FROM deals").fetchall()]
    store.close()
    expected = {2 * number + half for number in people for half in (0, 1)}
    counts = {
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - set(people)),
        "doubled": len(people) + len(deals) - len(set(people)) - len(set(deals)),
        "halved": len(expected ^ set(deals)),
    }
    say(json.dumps(counts))


def edit(folder: Path) -> None:
    """Endless passes, each of which moves all deals to its stage; prints `staged` and `published <passes>`."""
    store = with_many_checkpoints(folder)
    while True:
        number = sum(int(o.cursor or 0) for o in store.outcomes())
        at = NOW + number * HOUR
        sync_pass = store.begin("crm", "deals", at)
        if not sync_pass.resume:
            records = tuple(deal(key, number, stage=str(number)) for key in range(EDITED))
            store.stage(sync_pass, "crm", Page(records, resume="all"))
        os.write(1, b"staged\n")
        store.publish("crm", "deals", full=sync_pass.cursor is None, cursor=str(number + 1), at=at)
        os.write(1, b"published %d\n" % (number + 1))


def edits(folder: Path, kills: int, seed: int) -> None:
    """Kills `edit` at random moments, then prints how many deals have another past than the passes gave them."""
    lines = output_of(edit, folder, kills, seed)
    published = [int(line.split()[1]) for line in lines if line.startswith("published")]
    store = Store.open(folder, on_corrupt="fail")
    passes = sum(int(o.cursor or 0) for o in store.outcomes())
    starts, ends = "id, stage, valid_from, known_from", "valid_until, known_until"
    with store.reading() as connection:
        query = f"SELECT {starts}, {ends} FROM deals_versions UNION ALL SELECT {starts}, NULL, NULL FROM deals"
        rows = connection.execute(query).fetchall()
    store.close()
    instants = [None, *((NOW + number * HOUR).replace(tzinfo=None) for number in range(1, passes)), None]
    expected = [
        (str(number), since, since or NOW.replace(tzinfo=None), until, until)
        for number, (since, until) in enumerate(pairwise(instants))
    ]
    pasts: dict[str, list[tuple[object, ...]]] = {str(key): [] for key in range(EDITED)}
    for key, *version in sorted(rows, key=lambda row: (row[0], int(row[1]))):
        pasts[key].append(tuple(version))
    counts = {
        "passes": passes,
        "interrupted": lines.count("staged") - len(published),
        "lost_passes": max(max(published, default=0) - passes, 0),
        "wrong_pasts": sum(past != expected for past in pasts.values()),
    }
    say(json.dumps(counts))


def report(folder: Path, lines: list[str]) -> dict[str, int]:
    """Opens the store again, publishes the unfinished pass, and counts."""
    store = Store.open(folder, on_corrupt="fail")
    published = [int(line.split()[1]) for line in lines if line.startswith("published")]
    staged = [int(line.split()[1]) for line in lines if line.startswith("staged")]
    done = sum(int(o.cursor or 0) for o in store.outcomes())
    sync_pass = store.begin("crm", "deals", NOW + timedelta(seconds=done))
    if sync_pass.resume:
        store.publish("crm", "deals", full=sync_pass.cursor is None, cursor=str(done + 1))
    with store.reading() as connection:
        ids = [int(key) for (key,) in connection.execute("SELECT id FROM deals").fetchall()]
    store.close()
    complete = done * PAGES + int(sync_pass.resume or 0)
    return {
        "acknowledged": len(staged),
        "lost_pages": len([first for first in set(staged) if first not in set(ids)]),
        "doubled": len(ids) - len(set(ids)),
        "holes": len(set(range(complete * PAGE)) ^ set(ids)),
        "lost_passes": max(max(published, default=0) - done, 0),
        "passes": done,
    }


def upgrade(folder: Path) -> None:
    """Opens and closes a store, which upgrades it."""
    Store.open(folder, on_corrupt="fail").close()


def rebuild(folder: Path) -> None:
    """Opens and closes a damaged store, which is replaced by an empty one."""
    Store.open(folder, on_corrupt="rebuild").close()


def hold(folder: Path) -> None:
    """Opens a store whose file another program has open, as a DuckDB shell would."""

    def work() -> None:
        with duckdb.connect(str(folder / "kpi.duckdb")):
            os.write(1, b"open")
            signal.pause()

    def until(output: int) -> None:
        assert_equal(os.read(output, 4), b"open")
        try:
            Store.open(folder)
        except StoreLockedError:
            say("locked")

    forked(work, until)


if __name__ == "__main__":
    name, folder_name, *numbers = sys.argv[1:]
    tasks: list[Callable[..., None]] = [abandon, ingest, storm, posts, edits, hold, upgrade, rebuild]
    {task.__name__: task for task in tasks}[name](Path(folder_name), *map(int, numbers))
