"""Asterisk's manager interface over HTTP, which answers 200 to everything."""

from __future__ import annotations

from typing import Any

import httpx

SECRET = "ami_canary"


def manager(secret: str = SECRET, rights: bool = True, whole: bool = True) -> tuple[Any, list[httpx.Request]]:
    """The interface, and the requests that it gets."""
    log: list[httpx.Request] = []

    def text(*blocks: str, **headers: str) -> httpx.Response:
        return httpx.Response(200, text="\r\n\r\n".join(blocks) + "\r\n\r\n", headers=headers)

    def answer(request: httpx.Request) -> httpx.Response:
        log.append(request)
        asked = request.url.params
        if asked["action"] == "login":
            if asked["secret"] != secret:
                return text("Response: Error\r\nMessage: Authentication failed")
            cookie = {"set-cookie": 'mansession_id="7f3a"; Version=1; Max-Age=60'}
            return text("Response: Success\r\nMessage: Authentication accepted", **cookie)
        if "mansession_id=7f3a" not in request.headers.get("cookie", "") or not rights:
            return text("Response: Error\r\nMessage: Permission denied")
        summary = "Event: QueueSummary\r\nQueue: sales\r\nLoggedIn: 3\r\nCallers: 2\r\nLongestHoldTime: 41"
        end = ["Event: QueueSummaryComplete\r\nEventList: Complete"] if whole else []
        return text("Response: Success\r\nEventList: start", summary, *end)

    return httpx.MockTransport(answer), log


LIVE: dict[str, Any] = {
    "entities": ["measurements"], "base_url": "https://pbx.test",
    "manager": {"username": "kpi", "secret": {"env": "SECRET"}},
}  # fmt: skip
