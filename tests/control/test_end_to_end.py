"""The socket of the installed program."""

from __future__ import annotations

import signal
from pathlib import Path

from exporter.control.channel import SOCKET_NAME
from tests import small_company
from tests.exporter_process import exporting
from tests.waiting import until


def test_serve_has_a_socket_until_it_stops_and_replaces_that_of_a_killed_one(tmp_path: Path) -> None:
    config, data = small_company.write(tmp_path), tmp_path / "data"
    with exporting(config, data) as exporter:
        until((data / SOCKET_NAME).exists)
        exporter.end(signal.SIGKILL)
    assert (data / SOCKET_NAME).exists()
    with exporting(config, data) as exporter:
        until((data / SOCKET_NAME).exists)
        assert exporter.end()[0] == 0
    assert not (data / SOCKET_NAME).exists()
