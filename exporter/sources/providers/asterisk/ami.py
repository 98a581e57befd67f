"""The manager interface over HTTP: a login that gives a cookie, and what the queues look like now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from exporter.config.sources.asterisk import AsteriskAmi
from exporter.errors import Reason, SourceRejectedError
from exporter.records import Measurement
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import reveal
from exporter.sources.http.client import SourceClient
from exporter.sources.parsing import convert

PATH = "/rawman"
NAMES: Mapping[str, str] = {
    "LoggedIn": "agents_logged_in", "Available": "agents_available", "Callers": "callers_waiting",
    "HoldTime": "average_wait_seconds", "TalkTime": "average_talk_seconds", "LongestHoldTime": "longest_wait_seconds",
}  # fmt: skip
_COOKIE = re.compile(r'mansession_id="?([0-9A-Za-z]+)"?')

Block = Mapping[str, str]


class Ami:
    """Reads of one Asterisk. It answers 200 whatever happens, so each answer's text is looked at."""

    def __init__(self, client: SourceClient, options: AsteriskAmi, context: SourceContext) -> None:
        self._client = client
        self._options = options
        self._context = context

    async def queues(self) -> list[Block]:
        """One block for each queue; raises SourceRejectedError (UNAUTHORIZED, FORBIDDEN, SCHEMA)."""
        cookie = {"cookie": f"mansession_id={await self._login()}"}
        response = await self._client.get_text(PATH, {"action": "QueueSummary"}, cookie)
        blocks = blocks_of(response.body)
        if not blocks or blocks[0].get("Response") != "Success":
            raise SourceRejectedError(Reason.FORBIDDEN, "the manager user may not ask for QueueSummary")
        if blocks[-1].get("Event") != "QueueSummaryComplete":
            raise SourceRejectedError(Reason.SCHEMA, "the manager's list of queues has no end")
        return [block for block in blocks if block.get("Event") == "QueueSummary"]

    async def _login(self) -> str:
        """The session of a login. Its secret stands in the query, so nothing of the request is ever told."""
        login = {
            "action": "login",
            "username": self._options.username,
            "secret": reveal(self._options.secret, self._context),
        }
        response = await self._client.get_text(PATH, login)
        cookie = _COOKIE.search(response.headers.get("set-cookie", ""))
        if cookie is None or not any(block.get("Response") == "Success" for block in blocks_of(response.body)):
            raise SourceRejectedError(Reason.UNAUTHORIZED, "the manager refuses the login: check manager.conf")
        return cookie[1]


def blocks_of(text: str) -> list[Block]:
    """The blocks of `Name: value` lines that blank lines part."""
    parts = re.split(r"\r?\n\r?\n", text.strip())
    lines = [[line.partition(":") for line in part.splitlines() if ":" in line] for part in parts]
    return [{name.strip(): value.strip() for name, _, value in part} for part in lines if part]


def measurements(block: Block, now: datetime) -> list[Measurement]:
    """A queue as it is now, a number each; the averages are Asterisk's own since its last start."""
    queue = block["Queue"]
    return [
        Measurement(
            id=f"{queue}:{ours}@{int(now.timestamp())}",
            updated_at=now,
            name=ours,
            value=convert.number(block[theirs], ours),
            at=now,
            attributes={"queue": queue},
        )
        for theirs, ours in NAMES.items()
        if theirs in block
    ]
