"""Passwords, hashes, keys and tokens of the web server appear in no log, metric, page or response."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

from tests import small_company
from tests.exporter_process import exporting
from tests.fakes.certificates import Authority
from tests.waiting import until
from tests.web.live_server import basic, get
from tests.web.web_configs import hashed, tls_section

PASSWORD, WRONG, TOKEN = "c4n4ry&0f/the+p4ssword", "c4n4ry-wr0ng-p4ssword", "c4n4ry-0f-the-t0ken"


def test_no_secret_of_the_web_server_leaves_the_process(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    chain, stored = authority.chain("127.0.0.1"), hashed(PASSWORD)
    web = tmp_path / "web.yml"
    web.write_text(tls_section(chain) + f"basic_auth_users: {{all: {stored}}}\n")
    source = "  - {name: till, provider: push, token: {env: TILL_TOKEN}, entities: [deals]}\nmetrics:"
    config = small_company.write(tmp_path / "company", small_company.CONFIG.replace("metrics:", source, 1))
    trust, right = authority.trusting(), basic("all", PASSWORD)
    options = ["--web.config.file", str(web), "--log-level", "debug"]
    with exporting(
        config, tmp_path / "data", *options, environ={"TILL_TOKEN": TOKEN}, tls=trust, headers=(right,)
    ) as exporter:
        until(lambda: exporter.value('kpi_exporter_source_up{source="crm"}') == 1)
        shown = [
            get(exporter.port, path, header, tls=trust, method=method)[2]
            for path in ("/metrics", "/", "/nothing", "/push/till", f"/{quote(PASSWORD)}", "/push/nobody")
            for header in (right, basic("all", WRONG), f"Authorization: Bearer {TOKEN}", f"Authorization: {WRONG}")
            for method in ("GET", "POST")
        ]
        web.write_text(f"basic_auth_users: {{all: {PASSWORD}}}\ntls_server_config: {{key: {PASSWORD}}}")
        until(lambda: exporter.value("kpi_exporter_web_config_last_reload_successful") == 0)
        shown.append(exporter.metrics().encode())
        command = Path(f"/proc/{exporter.process.pid}/cmdline").read_bytes()
        code, log = exporter.end()
    assert code == 0
    assert b"web config rejected" in log
    everything = b"".join([*shown, log, command])
    key = chain.read_text().splitlines()[1]
    for secret in (PASSWORD, WRONG, TOKEN, stored, stored[7:], key):
        for form in (secret, quote(secret, safe=""), b64encode(secret.encode()).decode()):
            assert form.encode() not in everything, secret[:6]
    assert b64encode(f"all:{PASSWORD}".encode()) not in everything
