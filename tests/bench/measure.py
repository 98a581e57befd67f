"""Measurements: medians of repeated runs, CPU and memory of processes, and the row of a budget."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: our figure, the peer's figure, and the budget for their ratio.

    `figure` and `peer_figure` are in `unit`. `budget` is the largest allowed `figure / peer_figure` or, without a
    peer, the largest allowed `figure`.
    """

    work: str
    unit: str
    figure: float
    peer: str = ""
    peer_figure: float | None = None
    budget: float | None = None

    @property
    def ratio(self) -> float | None:
        """Our figure divided by the peer's; None without a peer."""
        return self.figure / self.peer_figure if self.peer_figure else None

    @property
    def kept(self) -> bool | None:
        """Whether the budget is kept; None without a budget."""
        if self.budget is None:
            return None
        measured = self.ratio if self.peer_figure is not None else self.figure
        return measured is not None and measured <= self.budget


def cpu_of(work: Callable[[], object], times: int) -> float:
    """Median CPU seconds of this process for one run of `work`."""
    spent = []
    for _ in range(times):
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return statistics.median(spent)


def wall_of(work: Callable[[], object], times: int) -> float:
    """Median seconds for one run of `work`."""
    spent = []
    for _ in range(times):
        before = time.perf_counter()
        work()
        spent.append(time.perf_counter() - before)
    return statistics.median(spent)


def process_cpu(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def process_memory(pid: int) -> float:
    """Resident megabytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * _PAGE / 1e6


def peak_memory() -> float:
    """Peak resident megabytes of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
