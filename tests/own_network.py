"""Network faults between the exporter and a vendor, in a network namespace of their own.

Run as a module, it changes only the namespace, which disappears when the process ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.counted import company, of_source, value_of, vendor
from tests.exporter_process import Exporter, exporting
from tests.fakes.raw import served
from tests.namespaces import observed
from tests.programs import program
from tests.waiting import until

SYN_SENT = "02"


def observations(scenario: str, folder: Path) -> dict[str, Any]:
    """The result of a scenario below. The test is skipped if no network namespace can be created."""
    for name in ("iptables", "ip", "tc"):
        program(name, f"/usr/sbin/{name}")
    return observed("--net", __name__, scenario, folder, {"XTABLES_LOCKFILE": str(folder / "lock")})


@dataclass
class Watch:
    """Observes an exporter that reads deals from one vendor and tickets from another."""

    exporter: Exporter
    deals_port: int
    in_flight: set[int] = field(default_factory=set)
    deals: list[float | None] = field(default_factory=list)

    def observe(self) -> None:
        """Records open connections and the scraped number of deals."""
        self.in_flight.add(connecting(self.deals_port))
        count = self.exporter.value(value_of("deals"))
        if count not in self.deals[-1:]:
            self.deals.append(count)

    def failed(self, passes: int) -> bool:
        """True if the last passes over the deals failed, at least this many."""
        self.observe()
        return (self.exporter.value(of_source("consecutive_failures", "deals", entity="deals")) or 0) >= passes

    def counts(self, entity: str, count: int) -> bool:
        """True if the exporter shows this number of records."""
        self.observe()
        return self.exporter.value(value_of(entity)) == count

    def reasons(self) -> list[str]:
        """Source and reason of every failed pass."""
        lines = (line.partition("{")[2] for line in self.exporter.metrics().splitlines() if _is_failure(line))
        return [line.partition(",")[2].partition("}")[0] for line in lines]


def black_hole(folder: Path) -> dict[str, Any]:
    """Drops everything that is sent to the deals' vendor for a time."""
    deals, tickets = vendor(10), vendor(20)
    with served(deals.script) as crm, served(tickets.script) as desk:
        config = company(folder / "company", {"deals": crm.port, "tickets": desk.port}, timeout="1s")
        with exporting(config, folder / "data") as exporter:
            until(lambda: exporter.value(value_of("deals")) == deals.count)
            until(lambda: exporter.value(value_of("tickets")) == tickets.count)
            watch = Watch(exporter, crm.port)
            with dropped(crm.port):
                deals.add(1)
                until(lambda: watch.failed(1))
                tickets.add(1)
                until(lambda: watch.counts("tickets", tickets.count))
                result = {
                    "deals": watch.deals,
                    "in_flight": sorted(watch.in_flight),
                    "up": {name: exporter.value(of_source("up", name)) for name in ("deals", "tickets")},
                    "reasons": watch.reasons(),
                }
            until(lambda: exporter.value(value_of("deals")) == deals.count)
            until(lambda: exporter.value(of_source("up", "deals")) == 1)
    return result


def slow_link(folder: Path) -> dict[str, Any]:
    """Sends the deals' vendor's responses through a slow link."""
    deals, tickets = vendor(300, page=300), vendor(20)
    with served(deals.script) as crm, served(tickets.script) as desk, slowed(crm.port, "128kbit"):
        config = company(folder / "company", {"deals": crm.port, "tickets": desk.port})
        with exporting(config, folder / "data") as exporter:
            watch = Watch(exporter, crm.port)
            until(lambda: watch.counts("tickets", tickets.count))
            until(lambda: watch.counts("deals", deals.count))
            return {"deals": watch.deals, "reasons": watch.reasons(), "delayed": delayed_packets()}


@contextmanager
def dropped(port: int) -> Iterator[None]:
    """Drops everything that is sent to the port, silently, until the block ends."""
    rule = ["INPUT", "--protocol", "tcp", "--dport", str(port), "--jump", "DROP"]
    subprocess.run(["iptables", "--append", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run(["iptables", "--delete", *rule], check=True)


@contextmanager
def slowed(port: int, rate: str) -> Iterator[None]:
    """Limits what comes from the port to this rate until the block ends."""
    for arguments in (
        "qdisc add dev lo root handle 1: htb r2q 1",
        f"class add dev lo parent 1: classid 1:1 htb rate {rate} burst 4kb",
        f"filter add dev lo protocol ip parent 1: prio 1 u32 match ip sport {port} 0xffff flowid 1:1",
    ):
        subprocess.run(["tc", *arguments.split()], check=True)
    try:
        yield
    finally:
        subprocess.run(["tc", "qdisc", "delete", "dev", "lo", "root"], check=True)


def delayed_packets() -> int:
    """The number of packets that had to wait."""
    statistics = subprocess.run(
        ["tc", "-s", "-j", "qdisc", "show", "dev", "lo"], check=True, capture_output=True
    ).stdout
    return sum(int(discipline["overlimits"]) for discipline in json.loads(statistics) if discipline["kind"] == "htb")


def connecting(port: int) -> int:
    """The number of connections to the port that wait for an answer."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[2].rpartition(":")[2], 16) == port and row[3] == SYN_SENT for row in rows)


def _is_failure(line: str) -> bool:
    return line.startswith("kpi_exporter_source_errors_total{") and not line.endswith(" 0.0")


SCENARIOS: dict[str, Callable[[Path], dict[str, Any]]] = {"black_hole": black_hole, "slow_link": slow_link}

if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "dev", "lo", "mtu", "1500", "up"], check=True)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(sys.argv[2]))))
