"""TLS over real sockets: versions, client certificates, and what cannot be loaded."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from exporter import naming
from exporter.errors import ConfigError
from exporter.web.security import WebConfigPaths
from tests.exposition.sample import sample_state
from tests.fakes.certificates import Authority
from tests.waiting import LIMIT
from tests.web.live_server import exchange, get, running
from tests.web.web_configs import secured, tls_section


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def web_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "web.yml"
    path.write_text(text)
    return path


def connected(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), LIMIT), server_hostname="127.0.0.1")


def refused(port: int, context: ssl.SSLContext) -> bool:
    """True if the connection ends without a response."""
    try:
        return exchange(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", tls=context) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def require_clients(authority: Authority, *lines: str) -> tuple[str, ...]:
    return ("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {authority.ca_file}", *lines)


def test_responses_are_encrypted_with_the_configured_certificate(tmp_path: Path, authority: Authority) -> None:
    state = sample_state()
    secured(state, web_file(tmp_path, tls_section(authority.chain("127.0.0.1"))))
    with running(state) as port:
        assert get(port, "/metrics", tls=authority.trusting())[0] == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            get(port, "/metrics", tls=ssl.create_default_context())
        with socket.create_connection(("127.0.0.1", port), LIMIT) as plain:
            plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"kpi_" not in plain.recv(65536)
        assert get(port, "/-/healthy", tls=authority.trusting())[0] == 200
    assert state.self_metrics.value(naming.HTTP_REJECTED, "tls") == 2


def test_http2_is_not_negotiated(tmp_path: Path, authority: Authority) -> None:
    state = sample_state()
    secured(state, web_file(tmp_path, tls_section(authority.chain("127.0.0.1")) + "http_server_config: {http2: true}"))
    context = authority.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with running(state) as port, connected(port, context) as encrypted:
        assert encrypted.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_are_refused(tmp_path: Path, authority: Authority, version: ssl.TLSVersion) -> None:
    state = sample_state()
    secured(state, web_file(tmp_path, tls_section(authority.chain("127.0.0.1"))))
    context = authority.trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with running(state) as port:
        assert refused(port, context)


def test_the_configured_versions_ciphers_and_curves_are_used(tmp_path: Path, authority: Authority) -> None:
    state = sample_state()
    suite = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
    options = ("max_version: TLS12", f"cipher_suites: [{suite}]", "curve_preferences: [CurveP384]")
    secured(state, web_file(tmp_path, tls_section(authority.chain("127.0.0.1"), *options)))
    with running(state) as port, connected(port, authority.trusting()) as encrypted:
        assert encrypted.version() == "TLSv1.2"
        cipher = encrypted.cipher()
        assert cipher is not None
        assert cipher[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"


def test_clients_need_a_certificate_of_the_right_authority(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other").client("prometheus")
    state = sample_state()
    secured(state, web_file(tmp_path, tls_section(authority.chain("127.0.0.1"), *require_clients(authority))))
    with running(state) as port:
        assert get(port, "/metrics", tls=authority.trusting(authority.client("prometheus")))[0] == 200
        assert refused(port, authority.trusting())
        assert refused(port, authority.trusting(other))


@pytest.mark.parametrize(
    ("name", "admitted"),
    [("prometheus.example.com", True), ("10.0.0.9", True), ("2001:db8::1", True), ("grafana.example.com", False)],
)
def test_clients_need_one_of_the_allowed_names(tmp_path: Path, authority: Authority, name: str, admitted: bool) -> None:
    state = sample_state()
    allowed = "client_allowed_sans: [prometheus.example.com, 10.0.0.9, '2001:0db8::0001']"
    secured(state, web_file(tmp_path, tls_section(authority.chain("127.0.0.1"), *require_clients(authority, allowed))))
    context = authority.trusting(authority.client(name))
    with running(state) as port:
        if admitted:
            assert get(port, "/metrics", tls=context)[0] == 200
        else:
            assert refused(port, context)
            assert state.self_metrics.value(naming.HTTP_REJECTED, "client_certificate") == 1


def test_certificates_may_be_part_of_the_file(tmp_path: Path, authority: Authority) -> None:
    pem = authority.chain("127.0.0.1").read_text()
    block = "\n".join(f"    {line}" for line in pem.splitlines())
    state = sample_state()
    secured(state, web_file(tmp_path, f"tls_server_config:\n  cert: |\n{block}\n  key: |\n{block}\n"))
    with running(state) as port:
        assert get(port, "/metrics", tls=authority.trusting())[0] == 200


def test_stalled_handshakes_end_at_their_deadline(tmp_path: Path, authority: Authority) -> None:
    state = sample_state()
    secured(state, web_file(tmp_path, tls_section(authority.chain("127.0.0.1"))))
    with running(state, stall_timeout=0.5) as port, socket.create_connection(("127.0.0.1", port), LIMIT) as stalled:
        stalled.sendall(b"\x16\x03\x01")
        assert stalled.recv(1) == b""


def test_what_cannot_be_loaded_is_named_with_its_line(tmp_path: Path, authority: Authority) -> None:
    chain = authority.chain("127.0.0.1")
    (tmp_path / "junk.pem").write_text("no certificate")
    cases = {
        tls_section(tmp_path / "absent.pem"): (2, "absent.pem cannot be read: No such file"),
        tls_section(tmp_path / "junk.pem"): (2, "the certificate and its key cannot be loaded"),
        tls_section(
            chain, "client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {tmp_path / 'junk.pem'}"
        ): (
            5,
            "there are no certificates of authorities",
        ),
    }
    for text, (line, message) in cases.items():
        with pytest.raises(ConfigError) as raised:
            WebConfigPaths(web_file(tmp_path, text)).load()
        (problem,) = raised.value.problems
        assert problem.line == line
        assert message in problem.message


def test_a_key_with_a_password_is_refused_without_asking_for_it(tmp_path: Path, authority: Authority) -> None:
    from cryptography.hazmat.primitives import serialization

    chain = authority.chain("127.0.0.1")
    key = serialization.load_pem_private_key(chain.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (tmp_path / "key.pem").write_bytes(pem)
    text = f"tls_server_config: {{cert_file: {chain}, key_file: key.pem}}"
    with pytest.raises(ConfigError, match="without a password"):
        WebConfigPaths(web_file(tmp_path, text)).load()
