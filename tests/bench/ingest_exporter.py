"""A sync of the calls API with the rest provider in a fresh process, which prints CPU seconds and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measure import peak_memory

CONFIG = """
company: {{name: Bench, timezone: UTC}}
sources:
  - name: phones
    provider: rest
    base_url: http://127.0.0.1:{port}
    allow_insecure: true
    allow_private: true
    max_per_second: 1000
    entities:
      - entity: calls
        path: /calls
        records: data
        pagination: {{cursor: {{path: next, param: page}}}}
        columns:
          id: id
          agent: agent.email
          direction: direction
          status: status
          queue: queue
          started_at: started_at
          ended_at: ended_at
          wait_seconds: wait
          talk_seconds: talk
          updated_at: updated_at
metrics:
  - {{name: calls, title: Calls, entity: calls, at: started_at, count: rows}}
"""


def main() -> None:
    """Runs `sync --once` in this process."""
    from exporter.cli import main as command

    port = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "kpis.yaml")
        config.write_text(CONFIG.format(port=port), encoding="utf-8")
        sys.argv = ["kpi-exporter", "sync", "--once", "--config", str(config), "--data-dir", f"{folder}/data"]
        before = time.process_time()
        try:
            command()
        except SystemExit as end:
            if end.code:
                raise
        sys.stdout.write(f"\nRESULT {time.process_time() - before} {peak_memory()}\n")


def run(port: int) -> tuple[float, float]:
    """CPU seconds and peak megabytes of one sync."""
    command = [sys.executable, "-m", "tests.bench.ingest_exporter", str(port)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    return figures(result)


def figures(result: subprocess.CompletedProcess[str]) -> tuple[float, float]:
    """The numbers after RESULT; raises RuntimeError with the output of the process if there are none."""
    for line in result.stdout.splitlines():
        if line.startswith("RESULT "):
            cpu, memory = line.split()[1:]
            return float(cpu), float(memory)
    raise RuntimeError(result.stdout[-500:] + result.stderr[-1500:])


if __name__ == "__main__":
    main()
