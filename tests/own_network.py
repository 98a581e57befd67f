"""Faults of the network between the exporter and a vendor, in a network of their own.

Run as a module it is a world apart: nothing outside of it is touched, and it is gone when the process ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.counted import company, of_source, value_of, vendor
from tests.fakes.raw import served
from tests.programs import program, skip
from tests.test_end_to_end import Exporter, exporting, until

ROOT = Path(__file__).parent.parent
SYN_SENT = "02"


def seen_in(scenario: str, folder: Path) -> dict[str, Any]:
    """What one of the scenarios below tells. The test is left out where no network can be made."""
    for name in ("iptables", "ip", "tc"):
        program(name, f"/usr/sbin/{name}")
    apart = [program("unshare"), "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*apart, "true"], capture_output=True).returncode:
        skip("this user may not make a network namespace")
    done = subprocess.run(
        [*apart, sys.executable, "-m", "tests.own_network", scenario, folder],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin", "XTABLES_LOCKFILE": str(folder / "lock")},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@dataclass
class Watch:
    """What is seen from outside of an exporter that reads deals from one vendor and tickets from another."""

    exporter: Exporter
    deals_port: int
    in_flight: set[int] = field(default_factory=set)
    deals: list[float | None] = field(default_factory=list)

    def look(self) -> None:
        """At connections, and at what a scrape says of the deals."""
        self.in_flight.add(connecting(self.deals_port))
        shown = self.exporter.value(value_of("deals"))
        if shown not in self.deals[-1:]:
            self.deals.append(shown)

    def failed(self, passes: int) -> bool:
        """Whether so many passes over the deals failed in a row."""
        self.look()
        return (self.exporter.value(of_source("consecutive_failures", "deals", entity="deals")) or 0) >= passes

    def counts(self, entity: str, count: int) -> bool:
        """Whether so many are shown."""
        self.look()
        return self.exporter.value(value_of(entity)) == count

    def reasons(self) -> list[str]:
        """Source and reason of every pass that failed."""
        lines = (line.partition("{")[2] for line in self.exporter.metrics().splitlines() if _is_failure(line))
        return [line.partition(",")[2].partition("}")[0] for line in lines]


def black_hole(folder: Path) -> dict[str, Any]:
    """Everything that is sent to the deals' vendor is swallowed for a time."""
    deals, tickets = vendor(10), vendor(20)
    with served(deals.script) as crm, served(tickets.script) as desk:
        config = company(folder / "company", {"deals": crm.port, "tickets": desk.port}, timeout="1s")
        with exporting(config, folder / "data") as exporter:
            until(lambda: exporter.value(value_of("deals")) == deals.count)
            until(lambda: exporter.value(value_of("tickets")) == tickets.count)
            seen = Watch(exporter, crm.port)
            with swallowed(crm.port):
                deals.add(1)
                until(lambda: seen.failed(1))
                tickets.add(1)
                until(lambda: seen.counts("tickets", tickets.count))
                told = {
                    "deals": seen.deals,
                    "in_flight": sorted(seen.in_flight),
                    "up": {name: exporter.value(of_source("up", name)) for name in ("deals", "tickets")},
                    "reasons": seen.reasons(),
                }
            until(lambda: exporter.value(value_of("deals")) == deals.count)
            until(lambda: exporter.value(of_source("up", "deals")) == 1)
    return told


def slow_link(folder: Path) -> dict[str, Any]:
    """What the deals' vendor sends trickles through a narrow link."""
    deals, tickets = vendor(300, page=300), vendor(20)
    with served(deals.script) as crm, served(tickets.script) as desk, narrowed(crm.port, "128kbit"):
        config = company(folder / "company", {"deals": crm.port, "tickets": desk.port})
        with exporting(config, folder / "data") as exporter:
            seen = Watch(exporter, crm.port)
            until(lambda: seen.counts("tickets", tickets.count))
            until(lambda: seen.counts("deals", deals.count))
            return {"deals": seen.deals, "reasons": seen.reasons(), "held_back": held_back()}


@contextmanager
def swallowed(port: int) -> Iterator[None]:
    """Meanwhile nothing that is sent to the port arrives, and nobody is told."""
    rule = ["INPUT", "--protocol", "tcp", "--dport", str(port), "--jump", "DROP"]
    subprocess.run(["iptables", "--append", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run(["iptables", "--delete", *rule], check=True)


@contextmanager
def narrowed(port: int, rate: str) -> Iterator[None]:
    """Meanwhile no more a second than the rate comes from the port."""
    for words in (
        "qdisc add dev lo root handle 1: htb r2q 1",
        f"class add dev lo parent 1: classid 1:1 htb rate {rate} burst 4kb",
        f"filter add dev lo protocol ip parent 1: prio 1 u32 match ip sport {port} 0xffff flowid 1:1",
    ):
        subprocess.run(["tc", *words.split()], check=True)
    try:
        yield
    finally:
        subprocess.run(["tc", "qdisc", "delete", "dev", "lo", "root"], check=True)


def held_back() -> int:
    """How many packets had to wait."""
    told = subprocess.run(["tc", "-s", "-j", "qdisc", "show", "dev", "lo"], check=True, capture_output=True).stdout
    return sum(int(one["overlimits"]) for one in json.loads(told) if one["kind"] == "htb")


def connecting(port: int) -> int:
    """How many connections to the port wait for an answer."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[2].rpartition(":")[2], 16) == port and row[3] == SYN_SENT for row in rows)


def _is_failure(line: str) -> bool:
    return line.startswith("kpi_exporter_source_errors_total{") and not line.endswith(" 0.0")


SCENARIOS: dict[str, Callable[[Path], dict[str, Any]]] = {"black_hole": black_hole, "slow_link": slow_link}

if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "dev", "lo", "mtu", "1500", "up"], check=True)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(sys.argv[2]))))
