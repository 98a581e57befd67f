"""Posts over real sockets to a receiver that remembers them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from exporter import naming
from exporter.push.body import Post
from exporter.push.source import PushSource
from exporter.web.server import ServedState
from tests.push.posts import TOKEN
from tests.web.live_server import exchange, parsed

AUTH = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"


@dataclass
class Taken:
    """A delivery of as many records as were posted."""

    records: list[Any]
    taken: bool = True

    def as_json(self) -> dict[str, Any]:
        return {"new": len(self.records)}


@dataclass
class Desk:
    """A receiver that remembers; `act` may fail instead."""

    sources: dict[str, PushSource]
    able: bool = True
    posts: list[Post] = field(default_factory=list)
    act: Callable[[Post], Taken] = lambda post: Taken([post])

    def deliver(self, source: PushSource, post: Post) -> Taken:
        assert source.name in self.sources or source.name == "source"
        self.posts.append(post)
        return self.act(post)


def send(
    port: int, path: str = "/push/shop", *headers: str, body: bytes = b"[]", method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    """Posts a body; by default with the token, as JSON."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    request = "\r\n".join([*lines, *(headers or (AUTH, JSON)), "", ""]).encode("latin-1") + body
    return parsed(exchange(port, request))


def counted(state: ServedState, name: str = "source") -> dict[str, float]:
    """How many posts of the source ended how."""
    return {labels[1]: n for labels, n in state.self_metrics.snapshot()[naming.PUSH_POSTS].items() if labels[0] == name}


def until(condition: Callable[[], object]) -> None:
    """Comes back once it is true."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
