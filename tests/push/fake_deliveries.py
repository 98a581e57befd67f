"""A stand-in for Deliveries that records posts, and a client that posts over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from exporter import naming
from exporter.errors import Reason
from exporter.push.body import Post
from exporter.push.deliveries import Delivery, Receipt
from exporter.push.inbox import PushInbox
from exporter.web.server import ServedState
from tests.push.posts import TOKEN
from tests.web.live_server import exchange, parsed

AUTH = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"

STORED = Delivery(datetime(2026, 3, 2, 9, tzinfo=UTC), (Receipt(1, "1", "new"),))
REJECTED = Delivery(STORED.at, (Receipt(1, "1", "rejected", Reason.BAD_TYPE, "amount"),))


@dataclass
class FakeDeliveries:
    """Records posts and returns what `store` returns, by default a delivery with one new record."""

    inboxes: dict[str, PushInbox]
    available: bool = True
    posts: list[Post] = field(default_factory=list)
    store: Callable[[Post], Delivery] = lambda _: STORED

    def deliver(self, inbox: PushInbox, post: Post) -> Delivery:
        assert inbox in self.inboxes.values()
        self.posts.append(post)
        return self.store(post)


def send(
    port: int, path: str = "/push/shop", *headers: str, body: bytes = b"[]", method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    """Posts a body, by default with the token and as JSON; returns status, headers and content."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    request = "\r\n".join([*lines, *(headers or (AUTH, JSON)), "", ""]).encode("latin-1") + body
    return parsed(exchange(port, request))


def results(state: ServedState, source: str = "source") -> dict[str, float]:
    """The number of the source's posts by result."""
    counts = state.self_metrics.snapshot()[naming.PUSH_POSTS]
    return {labels[1]: count for labels, count in counts.items() if labels[0] == source}
