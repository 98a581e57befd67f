"""`check` and `generate` of 200 KPIs, next to parsing the same YAML and building as many panels with grafanalib."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.measure import Row

KPIS = 200

_HEAD = """
company: {name: Bench, timezone: Europe/Zurich, currency: CHF, holidays: {country: CH, subdivision: ZH}}
sources:
  - {name: crm, provider: hubspot, token: {env: TOKEN}, entities: [people, deals]}
"""
_YAML = "import sys, yaml; yaml.load(open(sys.argv[1]), yaml.CSafeLoader)"
_GRAFANALIB = """
import json, sys
from grafanalib import core
from grafanalib._gen import DashboardEncoder
for number in range(int(sys.argv[1]) // 20):
    panels = [
        core.TimeSeries(title=f"KPI {n}", targets=[core.Target(expr="kpi_value", refId="A")],
            gridPos=core.GridPos(h=8, w=12, x=0, y=8 * n))
        for n in range(20)
    ]
    board = core.Dashboard(title=f"Board {number}", panels=panels).auto_panel_ids()
    json.dumps(board.to_json_data(), cls=DashboardEncoder, indent=2, sort_keys=True)
"""


def run() -> Iterator[Row]:
    """CPU of the whole process, including the start of the interpreter."""
    with tempfile.TemporaryDirectory() as name:
        config, out = Path(name, "kpis.yaml"), Path(name, "generated")
        config.write_text(text(KPIS), encoding="utf-8")
        exporter = str(Path(sys.executable).with_name("kpi-exporter"))
        check = _seconds([exporter, "check", "--config", str(config)])
        yield Row(f"check {KPIS} KPIs", "s CPU", check, budget=1)
        yield Row(
            f"check {KPIS} KPIs", "s CPU", check, "PyYAML (C)", _seconds([sys.executable, "-c", _YAML, str(config)])
        )
        generate = _seconds([exporter, "generate", "--config", str(config), "--out", str(out)])
        yield Row(f"generate {KPIS} KPIs", "s CPU", generate, budget=5)
        panels = str(_panels(out))
        peer = _seconds([sys.executable, "-c", _GRAFANALIB, panels])
        yield Row(f"generate {KPIS} KPIs", "s CPU", generate, f"grafanalib, {panels} panels", peer)


def text(kpis: int) -> str:
    """A config of `kpis` KPIs, each with its own metric, four per objective."""
    parts = [_HEAD, "teams: [{name: North, department: Sales}, {name: South, department: Sales}]\n", "metrics:\n"]
    parts += [
        f"  - {{name: metric_{n}, title: Metric {n}, entity: deals, where: {{pipeline: p{n}}}, at: closed_at,"
        f" {'sum: amount' if n % 2 else 'count: rows'}}}\n"
        for n in range(kpis)
    ]
    parts.append("objectives:\n")
    parts += [f"  - {{name: objective_{n}, title: Objective {n}, owner: Ann}}\n" for n in range(kpis // 4)]
    parts.append("kpis:\n")
    parts += [
        f"  - {{name: kpi_{n}, title: KPI {n}, value: metric_{n}, target: {n + 10}, period: month, better: higher,"
        f" scopes: [company, team], objective: objective_{n // 4}, owner: Ann, department: Sales, why: bench}}\n"
        for n in range(kpis)
    ]
    return "".join(parts)


def _seconds(command: list[str]) -> float:
    """Median CPU seconds of five runs."""
    return median(_once(command) for _ in range(5))


def _once(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"TOKEN": "t", "PATH": "/usr/bin:/bin"}
    )
    if result.returncode:
        raise RuntimeError(result.stdout[-500:] + result.stderr[-1500:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _panels(out: Path) -> int:
    boards = (json.loads(path.read_bytes()) for path in out.rglob("*.json") if "dashboards" in path.parts)
    return sum(len(board.get("panels", ())) for board in boards)
