"""`ping`, a health check for images without another HTTP client."""

from __future__ import annotations

from exporter.exposition.self_metrics import SelfMetrics
from exporter.web.server import ServedState
from tests.command_line import RunCli
from tests.web.live_server import running


def test_ping_reports_by_its_exit_code(run_cli: RunCli) -> None:
    with running(ServedState(SelfMetrics())) as port:
        assert run_cli("ping", f"http://127.0.0.1:{port}/-/healthy").code == 0
        assert run_cli("ping", f"http://127.0.0.1:{port}/-/ready").code == 1
    silent = run_cli("ping", f"http://127.0.0.1:{port}/-/healthy")
    assert silent.code == 1
    assert "refused" in silent.err
    assert run_cli("ping", "file:///etc/passwd").code == 2
