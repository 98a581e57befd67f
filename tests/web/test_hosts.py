"""Which Host headers are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.web import hosts
from exporter.web.hosts import AllowedHosts, machine_names


@pytest.mark.parametrize(
    "header",
    [
        None, "127.0.0.1:9940", "10.1.2.3", "[::1]:9940", "localhost", "LOCALHOST:9940",
        "exporter:9940", "kpi-exporter.monitoring.svc:9940", "kpi-exporter.monitoring.svc.cluster.local", "box.local",
        "kpi.internal:9940", "printer.home.arpa.", "app.localhost",
    ],
)  # fmt: skip
def test_names_that_nobody_else_can_own_are_accepted_by_default(header: str | None) -> None:
    assert AllowedHosts.of(()).allows(header)


@pytest.mark.parametrize(
    "header",
    [
        "evil.example.com", "evil.example.com:9940", "127.0.0.1.evil.com", "localhost.evil.com", "10.0.0.1.nip.io:9940",
        "user@localhost", "", "evil/..", "a b", "[::1", "localhost:port", "evil.com:9940:1", "svc.evil.com", "1.2.3",
        "local", "evil.local.com", "\u0130.com",
    ],
)  # fmt: skip
def test_foreign_and_malformed_names_are_refused(header: str) -> None:
    expected = header == "local"  # one word
    assert AllowedHosts.of(()).allows(header) is expected


def test_configured_names_are_accepted_in_any_case_and_with_a_final_dot() -> None:
    allowed = AllowedHosts.of(["KPI.example.com."])
    assert allowed.allows("kpi.EXAMPLE.com:9940")
    assert allowed.allows("kpi.example.com.")
    assert not allowed.allows("other.example.com")
    assert allowed.configured


def test_an_asterisk_accepts_every_name() -> None:
    assert AllowedHosts.of(["*"]).allows("evil.example.com")


def test_the_machine_is_known_by_its_name_in_each_search_domain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 10.0.0.1\n\nsearch corp.example.com example.com\n")
    monkeypatch.setattr(hosts, "_RESOLVER_CONFIG", tmp_path / "resolv.conf")
    monkeypatch.setattr(hosts.socket, "gethostname", lambda: "kpi1")
    assert list(machine_names()) == ["kpi1", "kpi1.corp.example.com", "kpi1.example.com"]
    allowed = AllowedHosts.of((), machine_names())
    assert allowed.allows("kpi1.corp.example.com:9940")
    assert not allowed.configured


def test_without_a_resolver_config_only_the_name_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_RESOLVER_CONFIG", tmp_path / "absent")
    monkeypatch.setattr(hosts.socket, "gethostname", lambda: "kpi1")
    assert list(machine_names()) == ["kpi1"]
