"""A company whose shop posts its deals to the program as it is installed."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from exporter.store.store import Store
from tests import small_company
from tests.exporter_process import Exporter
from tests.store.samples import live
from tests.this_year import recent
from tests.web.live_server import exchange, parsed

TOKEN = "canary-token-of-the-shop-4711"
REVENUE = 'kpi_value{kpi="yearly_revenue"}'

COMPANY, _, MEASURED = small_company.CONFIG.partition("metrics:")
CONFIG = f"""\
{COMPANY.partition("sources:")[0]}sources:
  - {{name: shop, provider: push, token: {{env: SHOP_TOKEN}}, entities: [deals, people], max_per_second: 1000}}
metrics:{MEASURED}"""


def send(
    exporter: Exporter, content: Any, path: str = "/push/shop/deals", token: str = TOKEN
) -> tuple[int, dict[str, Any]]:
    """Status and answer of a post: CSV where the content is text."""
    if isinstance(content, str):
        return send_bytes(exporter, content.encode(), path, token, "text/csv")
    return send_bytes(exporter, json.dumps(content).encode(), path, token)


def send_bytes(
    exporter: Exporter, body: bytes, path: str = "/push/shop/deals", token: str = TOKEN, kind: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    """Status and answer of a post of these bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    status, headers, said = parsed(exchange(exporter.port, head.encode() + body))
    return status, {"retry_after": headers.get("retry-after"), **json.loads(said)}


def won(key: object, amount: object = 1, **overrides: Any) -> dict[str, Any]:
    """A deal that was won, long ago unless told otherwise."""
    return {"id": key, "status": "won", "amount": amount, "closed_at": "2020-01-01", **overrides}


def today() -> str:
    """An instant of this year, a minute ago."""
    return f"{recent(timedelta(minutes=1)):%Y-%m-%dT%H:%M:%SZ}"


def kept_in(data: Path) -> list[str]:
    """Ids of the deals that a process left behind."""
    with closing(Store.open(data, on_corrupt="fail")) as store:
        return live(store)
