"""A backfill of fifteen months of the demo by the hour, next to one evaluation per instant."""

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
    """CPU and wall time of the command; the peer evaluates twenty instants, scaled to the number of hours."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = _read_company(folder)
        start = datetime.now(UTC) - timedelta(days=DAYS)
        options = [
            "--from",
            f"{start:%Y-%m-%dT%H:00}",
            "--step",
            "1h",
            "--no-sync",
            "--out",
            str(folder / "history.om"),
        ]
        began, before = time.perf_counter(), _children()
        output = _kpi_exporter("backfill", config, folder, *options)
        spent, wall, steps = _children() - before, time.perf_counter() - began, int(output.split()[0])
        work = f"backfill, {steps:,} hours of the demo"
        yield Row(work, "s CPU", spent, budget=24)
        yield Row(work, "s", wall, budget=120)
        yield Row(work, "s CPU", spent, "one evaluation per hour", _one_by_one(config, folder) * steps)


def _read_company(folder: Path) -> Path:
    """Syncs the demo once and returns its config."""
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
    paths = ["--config", str(config), "--data-dir", str(folder / "data"), "--log-level", "error"]
    result = subprocess.run([exporter, command, *paths, *words], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(result.stdout[-500:] + result.stderr[-1500:])
    return result.stdout


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _one_by_one(config: Path, folder: Path) -> float:
    """CPU seconds of one evaluation from the store, over twenty instants spread over the past."""
    settings, store = read_config(config, os.environ).config, Store.open(folder / "data")
    try:
        evaluator, now = Evaluator(settings, store), datetime.now(UTC)
        evaluator.evaluate(now - timedelta(days=DAYS), None)
        before = time.process_time()
        for index in range(20):
            evaluator.evaluate(now - timedelta(days=DAYS * (20 - index) / 21), None)
        return (time.process_time() - before) / 20
    finally:
        store.close()
