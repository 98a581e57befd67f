"""`ping` tells by its exit code."""

from __future__ import annotations

from exporter.exposition.self_metrics import SelfMetrics
from exporter.web.server import ServedState
from tests.command_line import Typed
from tests.web.live_server import running


def test_ping_tells_by_its_exit_code(typed: Typed) -> None:
    with running(ServedState(SelfMetrics())) as port:
        assert typed("ping", f"http://127.0.0.1:{port}/-/healthy").code == 0
        assert typed("ping", f"http://127.0.0.1:{port}/-/ready").code == 1
    silent = typed("ping", f"http://127.0.0.1:{port}/-/healthy")
    assert silent.code == 1
    assert "refused" in silent.err
    assert typed("ping", "file:///etc/passwd").code == 2
