"""No secret leaves the process, even if a vendor echoes it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from tests.exporter_process import exporting
from tests.fakes.raw import RawRequest, ScriptStep, json_response, raw_response, served
from tests.small_company import rewritten
from tests.waiting import until
from tests.web.live_server import get

CANARY = "c4n4ry&0f/the+t0ken"
ENCODED = (CANARY, quote(CANARY, safe=""), quote(CANARY), b64encode(CANARY.encode()).decode())


def echoing_vendor(seen: RawRequest) -> Iterable[ScriptStep]:
    """Rejects requests in many ways and echoes everything it received."""
    echo = json.dumps([seen.target, seen.headers, seen.body.decode()]).encode()
    match seen.path.split("/")[1]:
        case "bearer":
            return [raw_response(echo, 401)]
        case "header":
            return [raw_response(echo, 302, [("location", f"http://localhost:1/{quote(CANARY)}")])]
        case "query":
            return [raw_response(echo, 500)]
        case "basic":
            return [raw_response(b"<html>" + echo, kind="text/html")]
        case "token":
            return [raw_response(echo, 400)]
        case _:
            return [json_response({"items": [{"id": json.dumps(seen.headers)}, {"id": [CANARY]}]})]


def test_no_secret_leaves_the_process_even_if_a_vendor_echoes_it(tmp_path: Path) -> None:
    (tmp_path / "company").mkdir()
    (tmp_path / "company" / "secret").write_text(f"{CANARY}\r\n")
    (tmp_path / "company" / "secret").chmod(0o600)
    secret, kept = {"env": "CANARY"}, {"file": "secret"}
    with served(echoing_vendor) as server:
        ways = {
            "bearer": {"bearer": secret},
            "header": {"header": {"name": "X-Key", "value": kept}},
            "query": {"query": {"name": "key", "value": secret}},
            "basic": {"basic": {"user": "me", "password": kept}},
            "token": {"oauth": {"client_id": "me", "client_secret": secret, "token_url": f"{server.url}/token"}},
        }
        sources: list[dict[str, object]] = [
            {
                "name": name,
                "provider": "rest",
                "base_url": f"{server.url}/{name}",
                "allow_insecure": True,
                "allow_private": True,
                "auth": auth,
                "sync_every": "1s",
                "entities": [{"entity": "deals", "path": "/deals", "records": "items", "columns": {"id": "id"}}],
            }
            for name, auth in ways.items()
        ]
        config = rewritten(tmp_path / "company", sources)
        with exporting(config, tmp_path / "data", "--log-level", "debug", environ={"CANARY": CANARY}) as exporter:
            for name in ways:
                failures = f'kpi_exporter_source_consecutive_failures{{entity="deals",source="{name}"}}'
                until(lambda failures=failures: (exporter.value(failures) or 0) > 0)
            shown = exporter.metrics().encode() + get(exporter.port, "/")[2]
            argv = Path(f"/proc/{exporter.process.pid}/cmdline").read_bytes()
            _, logged = exporter.end()
        assert any(CANARY in str(seen.headers) for seen in server.log), "no secret was ever sent"
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert logged
    for place in (shown, logged, stored, argv):
        assert not [form for form in ENCODED if form.encode() in place]
