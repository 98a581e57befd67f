"""A real Prometheus with stored history, and the requests that Grafana sends it for a panel."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen
from zoneinfo import ZoneInfo

from tests.exporter_process import free_port
from tests.processes import started
from tests.programs import program
from tests.waiting import LIMIT, until
from tests.web.live_server import get

_ROUNDED = (
    (1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300),
    (750, 600), (1050, 900), (1500, 1200), (2700, 1800), (5400, 3600), (9000, 7200), (16200, 10800), (32400, 21600),
    (86400, 43200), (604800, 86400),
)  # fmt: skip
"""Grafana's rounding of a step: below the first number of seconds it takes the second."""
_SCRAPE_SECONDS = 15

Samples = Mapping[str, Sequence[tuple[datetime, float]]]


@contextmanager
def prometheus_with(samples: Samples, directory: Path) -> Iterator[int]:
    """Stores the samples of each series as a backfill does, and gives the port of a Prometheus that has them."""
    text = directory / "history.om"
    with text.open("w", encoding="utf-8") as out:
        for series, points in samples.items():
            out.writelines(f"{series} {value} {at.timestamp():.0f}\n" for at, value in points)
        out.write("# EOF\n")
    blocks = ["tsdb", "create-blocks-from", "--max-block-duration=4374h", "--quiet", "openmetrics"]
    data = directory / "data"
    subprocess.run([program("promtool"), *blocks, str(text), str(data)], check=True, capture_output=True)
    port = free_port()
    (directory / "prometheus.yml").write_text("{}")
    command = [
        program("prometheus"),
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]

    def answers() -> bool:
        try:
            return get(port, "/-/ready")[0] == 200
        except OSError:
            return False

    with started(command, stderr=subprocess.PIPE) as process:
        until(answers)
        yield port
        process.terminate()
        process.communicate(timeout=LIMIT)


@dataclass(frozen=True, slots=True)
class Request:
    """What Grafana asks for: the steps of a range query, aligned to the dashboard's time zone."""

    start: int
    end: int
    step: int

    @classmethod
    def of(
        cls, end: datetime, span: timedelta, zone: str, *, least: int = _SCRAPE_SECONDS, width: int = 1500
    ) -> Request:
        """The request of a panel that is `width` pixels wide and has at least `least` seconds between two points."""
        exact = span.total_seconds() / width
        rounded = next(seconds for below, seconds in _ROUNDED if exact < below)
        step = max(rounded, least)
        local = end.astimezone(ZoneInfo(zone)).utcoffset()
        offset = round(local.total_seconds()) if local else 0
        last, first = round(end.timestamp()), round((end - span).timestamp())
        return cls(*((at + offset) // step * step - offset for at in (first, last)), step)

    @property
    def steps(self) -> int:
        """How many points a series without gaps has."""
        return (self.end - self.start) // self.step + 1


def answer(port: int, expr: str, request: Request) -> list[dict[str, Any]]:
    """The series of a range query, each with its labels and points."""
    query = urlencode({"query": expr, "start": request.start, "end": request.end, "step": request.step})
    with urlopen(f"http://127.0.0.1:{port}/api/v1/query_range?{query}", timeout=LIMIT) as response:
        result: list[dict[str, Any]] = json.loads(response.read())["data"]["result"]
        return result
