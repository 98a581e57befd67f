"""Fifteen months of the demo, hour by hour, beside what `values --at` would take for as many instants."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from exporter.demo.server import launch
from exporter.evaluation.evaluator import Evaluator
from exporter.runtime.config_file import read_config
from exporter.store.store import Store
from tests.bench.measure import Row

DAYS = 457
"""Fifteen months."""


def run() -> Iterator[Row]:
    """CPU and wall of the whole command; the peer evaluates each of some hours from the store and is scaled up."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = _read_company(folder)
        start = datetime.now(UTC) - timedelta(days=DAYS)
        asked = ["--from", f"{start:%Y-%m-%dT%H:00}", "--no-sync", "--out", str(folder / "history.om")]
        began, before = time.perf_counter(), _children()
        said = _kpi_exporter("backfill", config, folder, *asked)
        spent, wall, steps = _children() - before, time.perf_counter() - began, int(said.split()[0])
        work = f"backfill, {steps:,} hours of the demo"
        yield Row(work, "s CPU", spent, budget=240)
        yield Row(work, "s", wall, budget=120)
        yield Row(work, "s CPU", spent, "evaluated one by one", _one_by_one(config, folder) * steps)


def _read_company(folder: Path) -> Path:
    """The demo's store, read once from its APIs, and its config."""
    company = launch(port=0)
    try:
        text = Path("config/kpis.yaml").read_text(encoding="utf-8").replace("http://127.0.0.1:9941", company.url)
        config = folder / "kpis.yaml"
        config.write_text(re.sub(r"max_per_second: \d+", "max_per_second: 1000", text), encoding="utf-8")
        (folder / "demo-token").write_bytes(Path("config/demo-token").read_bytes())
        _kpi_exporter("sync", config, folder, "--once")
    finally:
        company.close()
    return config


def _kpi_exporter(command: str, config: Path, folder: Path, *words: str) -> str:
    exporter = str(Path(sys.executable).with_name("kpi-exporter"))
    places = ["--config", str(config), "--data-dir", str(folder / "data"), "--log-level", "error"]
    done = subprocess.run([exporter, command, *places, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-500:] + done.stderr[-1500:])
    return done.stdout


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _one_by_one(config: Path, folder: Path) -> float:
    """CPU seconds of one evaluation from the store, over twenty instants spread over the past."""
    told, store = read_config(config, os.environ).config, Store.open(folder / "data")
    try:
        evaluations, now = Evaluator(told, store), datetime.now(UTC)
        evaluations.evaluate(now - timedelta(days=DAYS), None)
        before = time.process_time()
        for turn in range(20):
            evaluations.evaluate(now - timedelta(days=DAYS * (20 - turn) / 21), None)
        return (time.process_time() - before) / 20
    finally:
        store.close()
