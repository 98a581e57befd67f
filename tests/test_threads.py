"""Blocking calls that hang keep neither a loop nor a process alive."""

from __future__ import annotations

import asyncio
import sys
from threading import Event

import pytest

from exporter.threads import run_loop
from tests.processes import completed

HANGING = """
import asyncio, time
from exporter.threads import run_loop
async def main():
    try:
        async with asyncio.timeout(0.1):
            await asyncio.to_thread(time.sleep, 10_000)
    except TimeoutError:
        print("done", flush=True)
run_loop(main())
"""


def test_a_call_that_hangs_keeps_neither_the_loop_nor_the_process_alive() -> None:
    done = completed([sys.executable, "-c", HANGING], text=True)
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_results_and_errors_of_calls_are_handed_over() -> None:
    def fail() -> None:
        raise KeyError("gone")

    async def main() -> int:
        with pytest.raises(KeyError, match="gone"):
            await asyncio.to_thread(fail)
        return await asyncio.to_thread(sum, (1, 2))

    assert run_loop(main()) == 3


def test_calls_do_not_wait_for_each_other() -> None:
    first = Event()

    async def main() -> list[bool]:
        waits = (asyncio.to_thread(first.wait) for _ in range(50))
        waiting = asyncio.gather(*waits)
        await asyncio.to_thread(first.set)
        return await waiting

    assert all(run_loop(main()))
