"""A vendor whose refresh tokens are valid once, and a company that reads it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.fakes.raw import RawRequest, json_response
from tests.small_company import rewritten
from tests.this_year import recent


@dataclass
class Vendor:
    """Issues access tokens for `lifetime` seconds. A refresh token that is used again locks the account for good."""

    lifetime: int = 1
    uses: int = 0
    is_locked: bool = False
    loses_answers: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def script(self, request: RawRequest) -> Iterable[bytes]:
        if request.path == "/token":
            answer = self._issue(request.form["refresh_token"])
            return [answer[:20] if self.loses_answers else answer]
        if self.is_locked or request.headers["authorization"] != f"Bearer access-{self.uses}":
            return [json_response({}, 401)]
        row = {"id": "1", "amount": 5, "closed": recent(timedelta(minutes=1)).isoformat()}
        return [json_response({"data": [row]})]

    def _issue(self, refresh_token: str) -> bytes:
        with self.lock:
            self.is_locked |= refresh_token != f"refresh-{self.uses}"
            if self.is_locked:
                return json_response({"error": "invalid_grant"}, 400)
            self.uses += 1
            tokens = {"access_token": f"access-{self.uses}", "refresh_token": f"refresh-{self.uses}"}
            return json_response({**tokens, "expires_in": self.lifetime})


def company(folder: Path, port: int) -> Path:
    columns = {"id": "id", "amount": "amount", "closed_at": "closed", "status": {"value": "won"}}
    oauth = {
        "client_id": "app",
        "client_secret": {"env": "CLIENT"},
        "refresh_token": {"env": "REFRESH"},
        "token_url": f"http://127.0.0.1:{port}/token",
    }
    source = {
        "name": "crm",
        "provider": "rest",
        "base_url": f"http://127.0.0.1:{port}",
        "allow_insecure": True,
        "allow_private": True,
        "sync_every": "1s",
        "auth": {"oauth": oauth},
        "entities": [{"entity": "deals", "path": "/rows", "records": "data", "columns": columns}],
    }
    return rewritten(folder, [source])
