"""Processes that are killed while they use a store. Run as a module, it kills its children over and over.

It runs outside of the test's process, which has threads and so must not fork.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb

from exporter.errors import StoreLockedError
from exporter.passes import Page
from exporter.records import Deal, Person
from exporter.store.store import Store
from tests.store.samples import NOW, deal, read

ROOT = Path(__file__).parent.parent.parent
PAGE, PAGES = 40, 6


def abandoned(folder: Path, passes: int) -> None:
    """Leaves the store of a process that was killed after so many passes, each over one more deal."""
    run("abandon", folder, passes)


def run(task: str, folder: Path, *values: int) -> str:
    """Runs one of the tasks below in a process of its own and gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.killing", task, folder, *map(str, values)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def forked(work: Callable[[], None], until: Callable[[int], None]) -> None:
    """Runs `work` in a child, which is killed as soon as `until`, given its output, returns."""
    seen, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(said, 1)
        try:
            work()
        except BaseException:  # noqa: BLE001 - the end of a forked child
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(said)
    try:
        until(seen)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(seen)


def say(text: str) -> None:
    """To whoever ran the task."""
    sys.stdout.write(text + "\n")


def abandon(folder: Path, passes: int) -> None:
    """One child, killed when it has published so many passes."""

    def work() -> None:
        store = Store.open(folder)
        for number in range(passes):
            read(store, deal(number))
        os.write(1, b"done")
        time.sleep(60)

    forked(work, lambda seen: assert_equal(os.read(seen, 4), b"done"))


def assert_equal(found: object, expected: object) -> None:
    assert found == expected, found


def ingest(folder: Path) -> None:
    """Passes without end over ever new deals; says `staged <first id>` and `published <passes>` once it is so."""
    store = Store.open(folder, on_corrupt="fail")
    with store._database.write() as connection:
        connection.execute("SET GLOBAL checkpoint_threshold = '128KB'")
    os.write(1, b"opened\n")
    while True:
        done = sum(int(o.cursor or 0) for o in store.outcomes())
        asked = store.begin("crm", "deals", NOW + timedelta(seconds=done))
        start = int(asked.resume or 0)
        for number in range(start, PAGES):
            first = (done * PAGES + number) * PAGE
            records = tuple(Deal(id=str(key), updated_at=NOW, name="x" * 200) for key in range(first, first + PAGE))
            store.stage(asked, "crm", Page(records, resume=str(number + 1)))
            os.write(1, b"staged %d\n" % first)
        store.publish("crm", "deals", full=asked.cursor is None, cursor=str(done + 1), at=NOW)
        os.write(1, b"published %d\n" % (done + 1))


def storm(folder: Path, kills: int, seed: int) -> None:
    """Kills `ingest` at random moments, then tells what was acknowledged and what is there."""
    say(json.dumps(report(folder, heard_from(ingest, folder, kills, seed))))


def heard_from(work: Callable[[Path], None], folder: Path, kills: int, seed: int) -> list[str]:
    """Runs `work` and kills it at a random moment, so many times; gives all the lines that were said."""
    chance = random.Random(seed)
    heard: list[str] = []

    def until(seen: int) -> None:
        patience, said = chance.randint(1, 2 * PAGES), b""
        while said.count(b"\n") <= patience:
            said += os.read(seen, 65536)
        time.sleep(chance.uniform(0, 0.03))
        heard.extend(said.decode().split("\n"))

    for _ in range(kills):
        forked(lambda: work(folder), until)
    return heard


def deliver(folder: Path) -> None:
    """Deliveries without end, each of two deals and a person; says `kept <number>` once one is acknowledged."""
    store = Store.open(folder, on_corrupt="fail")
    with store.reading() as connection:
        row = connection.execute("SELECT max(id::BIGINT) FROM people").fetchone()
    number = (row[0] or 0) + 1 if row else 1
    os.write(1, b"opened\n")
    while True:
        deals = (deal(2 * number), deal(2 * number + 1))
        pages = {"deals": Page(deals), "people": Page((Person(id=str(number)),))}
        store.deliver("shop", pages, NOW + timedelta(seconds=number))
        os.write(1, b"kept %d\n" % number)
        number += 1


def posts(folder: Path, kills: int, seed: int) -> None:
    """Kills `deliver` at random moments, then tells which deliveries were acknowledged and what is there."""
    heard = heard_from(deliver, folder, kills, seed)
    kept = {int(line.split()[1]) for line in heard if line.startswith("kept")}
    store = Store.open(folder, on_corrupt="fail")
    with store.reading() as connection:
        people = [int(key) for (key,) in connection.execute("SELECT id FROM people").fetchall()]
        deals = [int(key) for (key,) in connection.execute("SELECT id FROM deals").fetchall()]
    store.close()
    whole = {2 * number + half for number in people for half in (0, 1)}
    found = {
        "acknowledged": len(kept),
        "lost": len(kept - set(people)),
        "doubled": len(people) + len(deals) - len(set(people)) - len(set(deals)),
        "halved": len(whole ^ set(deals)),
    }
    say(json.dumps(found))


def report(folder: Path, heard: list[str]) -> dict[str, int]:
    """Opens the store once more, lets the pass under way end, and counts."""
    store = Store.open(folder, on_corrupt="fail")
    published = [int(line.split()[1]) for line in heard if line.startswith("published")]
    staged = [int(line.split()[1]) for line in heard if line.startswith("staged")]
    done = sum(int(o.cursor or 0) for o in store.outcomes())
    asked = store.begin("crm", "deals", NOW + timedelta(seconds=done))
    if asked.resume:
        store.publish("crm", "deals", full=asked.cursor is None, cursor=str(done + 1))
    with store.reading() as connection:
        ids = [int(key) for (key,) in connection.execute("SELECT id FROM deals").fetchall()]
    store.close()
    complete = done * PAGES + int(asked.resume or 0)
    return {
        "acknowledged": len(staged),
        "lost_pages": len([first for first in set(staged) if first not in set(ids)]),
        "doubled": len(ids) - len(set(ids)),
        "holes": len(set(range(complete * PAGE)) ^ set(ids)),
        "lost_passes": max(max(published, default=0) - done, 0),
        "passes": done,
    }


def hold(folder: Path) -> None:
    """Another program has the file open, as a DuckDB shell would."""

    def work() -> None:
        with duckdb.connect(str(folder / "kpi.duckdb")):
            os.write(1, b"open")
            time.sleep(60)

    def until(seen: int) -> None:
        assert_equal(os.read(seen, 4), b"open")
        try:
            Store.open(folder)
        except StoreLockedError:
            say("refused")

    forked(work, until)


if __name__ == "__main__":
    name, place, *numbers = sys.argv[1:]
    {"abandon": abandon, "ingest": ingest, "storm": storm, "posts": posts, "hold": hold}[name](
        Path(place), *map(int, numbers)
    )
