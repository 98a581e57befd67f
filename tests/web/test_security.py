"""The web config takes effect when its files change, and a broken one never does."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from exporter import naming
from exporter.errors import ConfigError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.web.security import SecurityReloader, WebConfigPaths
from tests.exposition.sample import sample_state
from tests.fakes.certificates import Authority
from tests.web.live_server import basic, get, running
from tests.web.web_configs import PASSWORD, hashed, reloader, secured, tls_section


def expiry(port: int, authority: Authority) -> float:
    """When the certificate expires that the server shows now."""
    pem = ssl.get_server_certificate(("127.0.0.1", port), ca_certs=str(authority.ca_file))
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.timestamp()


def test_new_connections_get_a_renewed_certificate_and_a_broken_one_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    chain = authority.chain("127.0.0.1", days=1)
    (tmp_path / "web.yml").write_text(tls_section(chain))
    state = sample_state()
    holder = secured(state, tmp_path / "web.yml")
    with running(state) as port:
        first = expiry(port, authority)
        authority.chain("127.0.0.1", days=30)
        holder.refresh()
        renewed = expiry(port, authority)
        assert renewed > first + 20 * 86400
        chain.write_text("half a certifica")
        holder.refresh()
        assert state.self_metrics.value(naming.WEB_RELOAD_SUCCESS) == 0
        assert expiry(port, authority) == renewed
        assert get(port, "/metrics", tls=authority.trusting())[0] == 200
        holder.refresh()
        authority.chain("127.0.0.1", days=60)
        holder.refresh()
        assert expiry(port, authority) > renewed + 20 * 86400
    assert state.self_metrics.value(naming.WEB_RELOAD_SUCCESS) == 1
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1  # a broken file is read once, not every second
    assert "web.yml:2: tls_server_config.cert_file: the certificate and its key cannot be loaded" in errors[0]


def test_changed_users_take_effect_and_never_disappear_by_mistake(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text(f"basic_auth_users: {{alice: {hashed()}}}")
    state = sample_state()
    holder = secured(state, web)
    alice, bob = basic("alice", PASSWORD), basic("bob", "new password")
    with running(state) as port:
        assert [get(port, "/metrics", user)[0] for user in (alice, bob)] == [200, 401]
        web.write_text(f"basic_auth_users: {{bob: {hashed('new password')}}}")
        holder.refresh()
        assert [get(port, "/metrics", user)[0] for user in (alice, bob)] == [401, 200]
        web.unlink()
        holder.refresh()
        assert get(port, "/metrics")[0] == 401
        web.write_text("basic_auth_users: {bob: plain}")
        holder.refresh()
        assert [get(port, "/metrics", user)[0] for user in (alice, bob)] == [401, 200]


def test_files_that_are_replaced_through_a_link_are_found(tmp_path: Path) -> None:
    """Orchestrators update mounted secrets by pointing a link to another directory."""
    for name, user in (("first", "alice"), ("second", "bob")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "web.yml").write_text(f"basic_auth_users: {{{user}: {hashed()}}}")
    link = tmp_path / "current"
    link.symlink_to("first")
    holder = reloader(link / "web.yml")
    link.unlink()
    link.symlink_to("second")
    holder.refresh()
    assert holder.current.users is not None
    assert list(holder.current.users) == ["bob"]


def test_an_invalid_file_prevents_the_start(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("basic_auth_users: {alice: plain}")
    with pytest.raises(ConfigError, match="expected the bcrypt hash"):
        reloader(tmp_path / "web.yml")


def test_a_reload_that_would_unlock_the_server_is_rejected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    web, self_metrics = tmp_path / "web.yml", SelfMetrics()
    web.write_text(f"basic_auth_users: {{alice: {hashed()}}}")
    holder = SecurityReloader(
        WebConfigPaths(web), self_metrics, lambda security: "" if security.is_restricted else "users are missing"
    )
    web.write_text("# no users")
    holder.refresh()
    assert holder.current.is_restricted
    assert "users are missing" in caplog.text
    assert self_metrics.value(naming.WEB_RELOAD_SUCCESS) == 0


@pytest.mark.parametrize("text", ["", "rate_limit: {interval: 1s, burst: 1}"])
def test_the_file_for_people_lists_users_and_nothing_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "people.yml").write_text(text)
    with pytest.raises(ConfigError, match=r"basic_auth_users is missing|belongs in --web\.config\.file"):
        WebConfigPaths(None, tmp_path / "people.yml").load()


def test_without_files_nothing_is_demanded_or_reported() -> None:
    self_metrics = SelfMetrics()
    assert not SecurityReloader(WebConfigPaths(), self_metrics).current.is_restricted
    assert self_metrics.value(naming.WEB_RELOAD_SUCCESS) is None
