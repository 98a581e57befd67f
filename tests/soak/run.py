"""Runs the soak and judges it."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

from tests.exporter_process import Exporter, exporting, free_port
from tests.fakes.raw import served
from tests.processes import started
from tests.programs import program
from tests.prometheus_server import ask
from tests.soak.storm import StormResult, storm
from tests.soak.vendor import SoakVendor, write_config
from tests.waiting import until
from tests.web.live_server import get

PERIOD = 60.0
"""Seconds between two storms, two bursts of server errors and two generations of owners."""
SCRAPERS = 200
SERIES_LIMIT = 101
"""Values of a label, and the one that the others fold into."""
JUDGED_AFTER = 180.0
"""Seconds a run needs before the memory of its end is compared with that of its first third."""
GROWTH_LIMIT = 1.10
LOST_SAMPLES = (
    "prometheus_target_scrapes_sample_duplicate_timestamp_total",
    "prometheus_target_scrapes_sample_out_of_order_total",
    "prometheus_target_scrapes_sample_out_of_bounds_total",
    "prometheus_target_scrapes_exceeded_sample_limit_total",
    "prometheus_target_scrape_pool_exceeded_label_limits_total",
)
JOB = """\
global: {{scrape_interval: 5s, scrape_timeout: 5s}}
scrape_configs:
  - job_name: kpi
    sample_limit: 2000
    label_limit: 30
    label_name_length_limit: 200
    label_value_length_limit: 1024
    honor_labels: false
    honor_timestamps: false
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


@dataclass
class SoakResult:
    """What was measured."""

    seconds: float = 0.0
    owners: int = 0
    scrapes: int = 0
    failed_scrapes: int = 0
    slowest_scrape: float = 0.0
    lost_samples: dict[str, float] = field(default_factory=dict)
    storm: StormResult = field(default_factory=StormResult)
    refusals: float = 0.0
    """Requests that the exporter says it refused."""
    vendor_requests: int = 0
    vendor_errors: int = 0
    series: int = 0
    counted: float = 0.0
    memory: list[float] = field(default_factory=list)
    """MB of the exporter, once a second."""

    @property
    def memory_third(self) -> float:
        """MB in the middle of the run's second third; what was before is warming up."""
        third = len(self.memory) // 3
        return statistics.median(self.memory[third : 2 * third] or [0.0])

    @property
    def memory_end(self) -> float:
        """MB in the last third."""
        return statistics.median(self.memory[2 * (len(self.memory) // 3) :] or [0.0])

    def faults(self) -> list[str]:
        """What must not happen and did."""
        found = {
            "scrapes failed": self.failed_scrapes > 0 or self.scrapes == 0,
            "samples were dropped": any(self.lost_samples.values()),
            "storm requests failed": not self.storm.answers or not set(self.storm.answers) <= {"200", "503"},
            "refusals were not counted": self.storm.answers["503"] != self.refusals,
            "the vendor never failed": self.vendor_errors == 0,
            "the label has too many values": self.series > SERIES_LIMIT,
            "the series do not add up to the records": self.counted != self.owners,
            "memory grew": self.seconds >= JUDGED_AFTER and self.memory_end > GROWTH_LIMIT * self.memory_third,
        }
        return [name for name, happened in found.items() if happened]


def run(folder: Path, seconds: float, owners: int, seed: int = 1) -> SoakResult:
    """Runs for that long, with one deal for each of that many owners."""
    vendor = SoakVendor(owners, PERIOD, random.Random(seed))  # reproducible, not secret
    vendor.add_deals()
    result = SoakResult(seconds, owners)
    with served(vendor.script) as server, (folder / "exporter.log").open("wb") as log:
        config = write_config(folder / "kpis.yaml", server.port)
        with exporting(config, folder / "data", log=log.fileno()) as exporter:
            until(lambda: exporter.value('kpi_value{kpi="all_deals"}') == owners)
            with _prometheus(exporter, folder) as prometheus, _memory(exporter, result):
                _storms(exporter, vendor, result, seconds)
                _ask_prometheus(prometheus, result)
            until(lambda: exporter.value('kpi_exporter_source_up{source="crm"}') == 1)
            values = _values(exporter, "business_deals_listed{")
            result.series, result.counted = len(values), sum(values)
            result.refusals = sum(_values(exporter, "kpi_exporter_http_rejected_total{"))
    result.vendor_requests, result.vendor_errors = vendor.requests, vendor.errors
    return result


def _storms(exporter: Exporter, vendor: SoakVendor, result: SoakResult, seconds: float) -> None:
    """Storms in the first half of every period, while the vendor fails and its owners change."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        vendor.rename_owners(vendor.owners // 50)
        started_at = time.monotonic()
        storm(exporter.port, SCRAPERS, min(PERIOD / 2, left), result.storm)
        time.sleep(max(0.0, min(started_at + PERIOD, end) - time.monotonic()))


def _values(exporter: Exporter, prefix: str) -> list[float]:
    """The values of the series that begin like this."""
    return [float(line.rpartition(" ")[2]) for line in exporter.metrics().splitlines() if line.startswith(prefix)]


@contextmanager
def _prometheus(exporter: Exporter, folder: Path) -> Iterator[int]:
    port = free_port()
    (folder / "prometheus.yml").write_text(JOB.format(port=exporter.port))
    command = [
        program("prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]

    def answers() -> bool:
        try:
            return get(port, "/-/ready")[0] == 200
        except OSError:
            return False

    with (folder / "prometheus.log").open("wb") as log, started(command, stderr=log):
        until(answers)
        yield port


@contextmanager
def _memory(exporter: Exporter, result: SoakResult) -> Iterator[None]:
    """Reads the memory of the exporter once a second until the block ends."""
    ended, status = Event(), Path(f"/proc/{exporter.process.pid}/status")

    def read() -> None:
        while not ended.wait(1):
            (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
            result.memory.append(int(line.split()[1]) / 1000)

    thread = Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _ask_prometheus(port: int, result: SoakResult) -> None:
    window = f"[{int(result.seconds) + 3600}s]"
    queries = {
        "scrapes": f"count_over_time(up{{job='kpi'}}{window})",
        "healthy": f"sum_over_time(up{{job='kpi'}}{window})",
        "slowest": f"max_over_time(scrape_duration_seconds{{job='kpi'}}{window})",
    }
    numbers = {name: float(ask(port, query)[0]["value"][1]) for name, query in queries.items()}
    result.scrapes, result.slowest_scrape = int(numbers["scrapes"]), numbers["slowest"]
    result.failed_scrapes = result.scrapes - int(numbers["healthy"])
    with urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        lines = response.read().decode().splitlines()
    result.lost_samples = {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith(LOST_SAMPLES)}
    assert len(result.lost_samples) == len(LOST_SAMPLES), json.dumps(sorted(result.lost_samples))
