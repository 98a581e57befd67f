"""The web config on the command line: `serve`, `check` and `ping`."""

from __future__ import annotations

import os
import re
import signal
import ssl
from pathlib import Path

import pytest

from tests.command_line import RunCli
from tests.exporter_process import exporting, free_port
from tests.exposition.sample import sample_state
from tests.fakes.certificates import Authority
from tests.waiting import until
from tests.web.live_server import basic, get, running
from tests.web.web_configs import PASSWORD, hashed, secured, tls_section

PLAIN = f"basic_auth_users: {{all: {hashed()}}}"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def web_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "web.yml"
    path.write_text(text)
    return path


def words(text: str) -> str:
    """Without the frame and line breaks of an error."""
    return " ".join(re.sub("[\u2500-\u257f]", " ", text).split())


@pytest.mark.parametrize(
    "text", ["", PLAIN, "rate_limit: {interval: 1s, burst: 9}"], ids=["empty", "passwords", "no lock"]
)
def test_other_machines_are_admitted_only_with_tls_and_credentials(
    run_cli: RunCli, company: Path, tmp_path: Path, text: str
) -> None:
    options = ["--listen", "0.0.0.0:0", "--web.config.file", web_file(tmp_path, text)]
    done = run_cli("serve", "-c", company, *options)
    assert done.code == 2
    assert "--web-insecure" in words(done.err)


def test_certificates_alone_admit_everybody_and_are_no_lock(
    run_cli: RunCli, company: Path, tmp_path: Path, authority: Authority
) -> None:
    options = [
        "--listen",
        "0.0.0.0:0",
        "--web.config.file",
        web_file(tmp_path, tls_section(authority.chain("127.0.0.1"))),
    ]
    assert run_cli("serve", "-c", company, *options).code == 2


def test_an_invalid_web_config_is_a_usage_error_with_file_and_line(
    run_cli: RunCli, company: Path, data: Path, tmp_path: Path
) -> None:
    web = web_file(tmp_path, "basic_auth_users:\n  all: hunter2\n")
    for listen in ("127.0.0.1:0", "0.0.0.0:0"):
        done = run_cli("serve", "-c", company, "-d", data, "--listen", listen, "--web.config.file", web)
        assert done.code == 2
        assert f"{web}:2: basic_auth_users.all: expected the bcrypt hash" in done.err
        assert "hunter2" not in done.err
    assert not data.exists()


def test_check_validates_the_web_config_with_its_certificates(
    run_cli: RunCli, company: Path, tmp_path: Path, authority: Authority
) -> None:
    web = web_file(tmp_path, tls_section(authority.chain("127.0.0.1")) + PLAIN)
    done = run_cli("check", "-c", company, "--web.config.file", web)
    assert done.code == 0
    assert f"{web} is valid" in done.out
    web.write_text("tls_server_config: {cert_file: absent.pem, key_file: absent.key}")
    done = run_cli("check", "-c", company, "--web.config.file", web)
    assert done.code == 2
    assert "absent.pem cannot be read" in done.out
    people = tmp_path / "people.yml"
    people.write_text("rate_limit: {interval: 1s, burst: 1}")
    assert run_cli("check", "-c", company, "--web.people.config.file", people).code == 2


def test_ping_trusts_the_right_certificate_and_signs_in(run_cli: RunCli, tmp_path: Path, authority: Authority) -> None:
    web = web_file(tmp_path, tls_section(authority.chain("10.9.8.7")) + PLAIN)
    other = tmp_path / "other.yml"
    other.write_text(tls_section(authority.chain("127.0.0.1")))
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "wrong").write_text("wrong")
    user = ["--user", "all", "--password-file", tmp_path / "password"]
    state = sample_state()
    secured(state, web)
    with running(state) as port:
        url = f"https://127.0.0.1:{port}/-/healthy"
        assert run_cli("ping", url, "--web.config.file", web, *user).code == 0
        assert run_cli("ping", url, "--web.config.file", web).code == 1
        assert run_cli("ping", url, "--web.config.file", web, *user[:3], tmp_path / "wrong").code == 1
        assert run_cli("ping", url, "--web.config.file", other, *user).code == 1
        assert run_cli("ping", url, "--ca", authority.ca_file, *user).code == 1  # of another name
        assert run_cli("ping", url, *user).code == 1
    secured(state, other)
    with running(state) as port:
        url = f"https://127.0.0.1:{port}/-/healthy"
        assert run_cli("ping", url, "--ca", authority.ca_file).code == 0
        assert run_cli("ping", url, "--ca", tmp_path / "absent").code == 1
    assert run_cli("ping", url, "--user", "all").code == 2
    assert run_cli("ping", url, "--user", "all", "--password-file", tmp_path / "absent").code == 1


def test_ping_shows_a_client_certificate(run_cli: RunCli, tmp_path: Path, authority: Authority) -> None:
    clients = ("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {authority.ca_file}")
    web = web_file(tmp_path, tls_section(authority.chain("127.0.0.1"), *clients))
    state = sample_state()
    secured(state, web)
    with running(state) as port:
        url = f"https://127.0.0.1:{port}/-/healthy"
        assert run_cli("ping", url, "--ca", authority.ca_file).code == 1
        assert run_cli("ping", url, "--ca", authority.ca_file, "--cert", authority.client("probe")).code == 0


def test_a_process_serves_two_listeners_with_tls_users_and_hosts_and_renews_its_certificate(
    company: Path, data: Path, tmp_path: Path, authority: Authority
) -> None:
    web = web_file(tmp_path, tls_section(authority.chain("127.0.0.1")) + PLAIN)
    second = free_port()
    options = ["--web.config.file", web, "--listen", f"127.0.0.1:{second}", "--web.hosts", "kpi.example.com"]
    trust, right = authority.trusting(), basic("all", PASSWORD)
    with exporting(company, data, *map(str, options), tls=trust, headers=(right,)) as exporter:
        for port in (exporter.port, second):
            assert get(port, "/metrics", right, tls=trust)[0] == 200
            assert get(port, "/metrics", tls=trust)[0] == 401
            assert get(port, "/metrics", right, "Host: evil.example.com", tls=trust)[0] == 421
            assert get(port, "/metrics", right, "Host: kpi.example.com", tls=trust)[0] == 200
        before = ssl.get_server_certificate(("127.0.0.1", second))
        authority.chain("127.0.0.1", days=5)
        until(lambda: ssl.get_server_certificate(("127.0.0.1", second)) != before)
        web.write_text("nonsense: true")
        until(lambda: exporter.value("kpi_exporter_web_config_last_reload_successful") == 0)
        assert get(exporter.port, "/metrics", tls=trust)[0] == 401
        code, log = exporter.end(signal.SIGTERM)
    assert code == 0
    assert b"unknown key 'nonsense'" in log
    assert hashed().encode()[:7] not in log
    assert PASSWORD.encode() not in log
    assert not any(name.startswith("KPI_EXPORTER_WEB") for name in os.environ)
