"""The web config file: the format of exporter-toolkit, and every mistake with its line and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.web_config import WebConfig, load_web_config
from exporter.errors import ConfigError, Problem
from tests.processes import completed
from tests.programs import program

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"

COMPLETE = f"""
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [prometheus.example.com, 10.0.0.1]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256, X25519]
http_server_config:
  http2: false
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1; mode=block
    Strict-Transport-Security: max-age=31536000; includeSubDomains
basic_auth_users:
  alice: {HASH}
  bob: "{HASH}"
rate_limit: {{interval: 100ms, burst: 20}}
"""


def load(tmp_path: Path, text: str) -> WebConfig:
    (tmp_path / "web.yml").write_text(text)
    return load_web_config(tmp_path / "web.yml").config


def problems(tmp_path: Path, text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    return raised.value.problems


def test_a_complete_file_is_read(tmp_path: Path) -> None:
    config = load(tmp_path, COMPLETE)
    assert config.tls_server_config is not None
    assert config.tls_server_config.cert_file == Path("server.crt")
    assert config.basic_auth_users == {"alice": HASH, "bob": HASH}
    assert (b"x-frame-options", b"sameorigin") in config.http_server_config.headers.lines
    assert config.rate_limit.interval.total_seconds() == 0.1
    assert config.is_locked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet\n",
        "basic_auth_users:\n",
        "{}",
        "http_server_config:\n  headers:\nrate_limit: {interval: 0}\n",
    ],
)
def test_what_is_empty_demands_nothing(tmp_path: Path, text: str) -> None:
    config = load(tmp_path, text)
    assert config == WebConfig()
    assert not config.is_locked


def test_passwords_without_encryption_lock_nothing(tmp_path: Path) -> None:
    assert not load(tmp_path, f"basic_auth_users: {{alice: {HASH}}}").is_locked


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("basic_auth_user: {}", 1, "unknown key 'basic_auth_user'", "did you mean basic_auth_users?"),
        ("tls_server_config:\n  cert_file: a\n  key_file: b\n  crt: c", 4, "unknown key 'crt'", "keys allowed here: cert"),
        ("http_server_config: {headers: {Server: me}}", 1, "unknown key 'Server'", "Content-Security-Policy"),
        ("http_server_config: {headers: {X-Frame-Options: DENY}}", 1, "expected one of", "did you mean deny?"),
        ("http_server_config: {headers: {X-XSS-Protection: \"a\\r\\nb: c\"}}", 1, "printable ASCII", ""),
        ("tls_server_config: {cert_file: a}", 1, "key_file is missing", "cert_file and key_file"),
        ("tls_server_config: {}", 1, "cert_file is missing", ""),
        ("tls_server_config: {cert_file: a, cert: b, key_file: c}", 1, "cannot be combined", "keep cert_file"),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}", 1, "TLS 1.0", "TLS12 or TLS13"),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}", 1, "newer than", ""),
        ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}", 1, "one of", ""),
        ("tls_server_config: {cert_file: a, key_file: b, curve_preferences: [CurveP25519]}", 1, "X25519", "did you mean"),
        ("tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}", 1, "has no effect", "RequireAndVerify"),
        ("tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [c]}", 1, "has no effect", ""),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}",
            1, "would not be verified", "RequireAndVerifyClientCert",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}",
            1, "client_ca_file is missing", "",
        ),
        ("basic_auth_users:\n  alice: hunter2secret", 2, "expected the bcrypt hash", "htpasswd"),
        (f"basic_auth_users: {{alice: {HASH.replace('$10$', '$20$')}}}", 1, "cost", "htpasswd"),
        (f"basic_auth_users: {{'al:ice': {HASH}}}", 1, "colons", ""),
        ("rate_limit: {interval: 1s}", 1, "every request would be refused", "burst"),
        ("rate_limit: {interval: soon, burst: 1}", 1, "expected a duration", "60s"),
        ("rate_limit: {burst: 1}\nrate_limit: {burst: 2}", 2, "duplicate key", ""),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_line_and_cure(
    tmp_path: Path, text: str, line: int, message: str, hint: str
) -> None:
    problem = problems(tmp_path, text)[0]
    assert problem.file == str(tmp_path / "web.yml")
    assert problem.line == line
    assert message in problem.message
    assert hint in problem.hint
    assert "hunter2secret" not in str(problem)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = "tls: {}\nbasic_auth_users: {alice: hunter2}\nrate_limit: {interval: 1}\n"
    assert [problem.line for problem in problems(tmp_path, text)] == [1, 2, 3]


def test_the_option_is_named_if_the_file_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist.*--web\.config\.file"):
        load_web_config(tmp_path / "absent.yml")


def test_prometheus_own_tool_accepts_the_same_file(tmp_path: Path) -> None:
    from tests.fakes.certificates import Authority

    Authority(tmp_path).chain("127.0.0.1").rename(tmp_path / "server.crt")
    (tmp_path / "server.key").write_bytes((tmp_path / "server.crt").read_bytes())
    (tmp_path / "ca.crt").write_bytes((tmp_path / "ca.pem").read_bytes())
    text = COMPLETE.replace("  client_allowed_sans: [prometheus.example.com, 10.0.0.1]\n", "")  # newer than Debian's
    config = load(tmp_path, text.replace("rate_limit: {interval: 100ms, burst: 20}\n", ""))
    assert config.is_locked
    checked = completed([program("promtool"), "check", "web-config", tmp_path / "web.yml"])
    assert checked.returncode == 0, checked.stderr
