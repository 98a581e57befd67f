"""Clients that stall in the handshake, between requests, in headers or in bodies: each is closed, and scrapes go on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.web import refusals
from tests.exposition.sample import sample_state
from tests.fakes.certificates import Authority
from tests.waiting import LIMIT
from tests.web.live_server import get, running
from tests.web.web_configs import secured, tls_section

PARTIAL_HEAD = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Half: "
PARTIAL_BODY = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nx"


def ended(client: socket.socket) -> bool:
    """Reads until the server closes the connection."""
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def test_stalled_clients_are_closed_while_scrapes_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "DRAIN_TIMEOUT", 0.5)
    authority, state = Authority(tmp_path), sample_state()
    (tmp_path / "web.yml").write_text(tls_section(authority.chain("127.0.0.1")))
    secured(state, tmp_path / "web.yml")
    trust = authority.trusting()
    with running(state, stall_timeout=3.0) as port, ExitStack() as stack:

        def opened(encrypted: bool, content: bytes) -> socket.socket:
            client: socket.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
            if encrypted:
                client = trust.wrap_socket(client, server_hostname="127.0.0.1")
            stack.callback(client.close)
            client.sendall(content)
            return client

        stalled = [opened(False, b"\x16\x03\x01\x02") for _ in range(150)]
        for content in (b"", PARTIAL_HEAD, PARTIAL_BODY):
            stalled += [opened(True, content) for _ in range(20)]
        assert {get(port, "/metrics", tls=trust)[0] for _ in range(10)} == {200}
        assert all(map(ended, stalled))
        assert get(port, "/metrics", tls=trust)[0] == 200


@pytest.mark.parametrize("break_file", [lambda path: path.write_text("x: ["), lambda path: path.unlink()])
def test_a_broken_web_config_closes_nothing(tmp_path: Path, break_file: Callable[[Path], object]) -> None:
    authority, state = Authority(tmp_path), sample_state()
    web = tmp_path / "web.yml"
    web.write_text(tls_section(authority.chain("127.0.0.1")))
    holder = secured(state, web)
    with running(state) as port:
        break_file(web)
        holder.refresh()
        assert get(port, "/metrics", tls=authority.trusting())[0] == 200
