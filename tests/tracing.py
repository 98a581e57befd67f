"""Injects faults at chosen system calls, with strace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import completed, started
from tests.programs import program
from tests.waiting import LIMIT

ROOT = Path(__file__).parent.parent


def killed_at(call: str, number: int, module: str, *words: object) -> str:
    """Runs a module of the tests and kills it at its n-th system call of that name; returns its output until then."""
    process = _killing(call, number, module, *words)
    assert process.returncode == -signal.SIGKILL, process.stderr
    output: str = process.stdout
    return output


def is_killed_at(call: str, number: int, module: str, *words: object) -> bool:
    """Like `killed_at`; False if the module ended by itself, because it made fewer calls."""
    process = _killing(call, number, module, *words)
    assert process.returncode in (0, -signal.SIGKILL), process.stderr
    return process.returncode != 0


def _killing(call: str, number: int, module: str, *words: object) -> subprocess.CompletedProcess[str]:
    return completed(
        [
            *(program("strace"), "-f", "-qq", "-o", os.devnull),
            *("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"),
            *(sys.executable, "-m", module, *map(str, words)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
    )


@contextmanager
def failing(pid: int, calls: str, error: str) -> Iterator[None]:
    """Makes these system calls of a running process fail with the error, without any effect, until the block ends."""
    with started(
        [
            *(program("strace"), "-f", "-p", str(pid), "-o", os.devnull),
            *("-e", f"trace={calls}", "-e", f"inject={calls}:error={error}"),
        ],
        stderr=subprocess.PIPE,
    ) as tracer:
        message = tracer.stderr.readline()
        assert b"attached" in message, message
        yield
        tracer.terminate()
        tracer.wait(LIMIT)
