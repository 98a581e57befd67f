"""A real Prometheus that scrapes an exporter."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from tests.exporter_process import Exporter, free_port
from tests.processes import started
from tests.programs import program
from tests.waiting import LIMIT, until
from tests.web.live_server import get


def ask(port: int, query: str) -> list[dict[str, Any]]:
    """The result of an instant query."""
    with urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}", timeout=LIMIT) as response:
        result: list[dict[str, Any]] = json.loads(response.read())["data"]["result"]
        return result


@contextmanager
def scraping(exporter: Exporter, directory: Path) -> Iterator[int]:
    """Scrapes the exporter every second; gives Prometheus' port."""
    port = free_port()
    directory.mkdir()
    (directory / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: kpi, sample_limit: 50000, static_configs: [{{targets: ['127.0.0.1:{exporter.port}']}}]}}\n"
    )
    command = [
        program("prometheus"),
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
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
        _, log = process.communicate(timeout=LIMIT)
        assert b"err=" not in log, log.decode()
