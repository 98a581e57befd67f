"""Faults of the operating system at a chosen system call, by strace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import program

ROOT = Path(__file__).parent.parent


def killed_at(call: str, number: int, module: str, *words: object) -> str:
    """Runs a module of the tests until one of its threads makes its n-th call of that name: it is killed there.

    Gives what it had printed.
    """
    done = subprocess.run(
        [
            *(program("strace"), "-f", "-qq", "-o", os.devnull),
            *("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"),
            *(sys.executable, "-m", module, *map(str, words)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


@contextmanager
def failing(pid: int, calls: str, error: str) -> Iterator[None]:
    """Meanwhile these system calls of a running process fail with the error, and do nothing."""
    tracer = subprocess.Popen(
        [
            *(program("strace"), "-f", "-p", str(pid), "-o", os.devnull),
            *("-e", f"trace={calls}", "-e", f"inject={calls}:error={error}"),
        ],
        stderr=subprocess.PIPE,
    )
    try:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        assert b"attached" in said, said
        yield
    finally:
        tracer.terminate()
        tracer.communicate()
