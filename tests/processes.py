"""Processes that tests start. Each ends with its test, however the test ends, and with the test run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from tests.waiting import LIMIT


@contextmanager
def started(command: Sequence[object], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Starts a program in a process group of its own, and kills the group at the end.

    The kernel kills the program if the thread that started it dies, so that a killed test run leaves nothing behind.
    """
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    process = subprocess.Popen([*prefix, *map(str, command)], start_new_session=True, **options)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def completed(command: Sequence[object], **options: Any) -> subprocess.CompletedProcess[Any]:
    """Runs a program to its end; its output is in the result, and it is killed if it hangs."""
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        out, err = process.communicate(timeout=LIMIT)
    return subprocess.CompletedProcess(command, process.returncode, out, err)
