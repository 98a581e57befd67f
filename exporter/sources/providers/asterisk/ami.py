"""The manager interface (AMI) over HTTP: a login that sets a cookie, and the current state of the queues."""

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
MEASUREMENTS: Mapping[str, str] = {
    "LoggedIn": "agents_logged_in", "Available": "agents_available", "Callers": "callers_waiting",
    "HoldTime": "average_wait_seconds", "TalkTime": "average_talk_seconds", "LongestHoldTime": "longest_wait_seconds",
}  # fmt: skip
_COOKIE = re.compile(r'mansession_id="?([0-9A-Za-z]+)"?')

AmiBlock = Mapping[str, str]
"""The `Name: value` lines of one event or response."""


class AmiClient:
    """Requests to one Asterisk, which responds with 200 to everything: errors are in the text."""

    def __init__(self, client: SourceClient, options: AsteriskAmi, context: SourceContext) -> None:
        self._client = client
        self._options = options
        self._context = context

    async def queues(self) -> list[AmiBlock]:
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
        """The id of a new session. The secret is in the query, so no message may contain the request."""
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


def blocks_of(text: str) -> list[AmiBlock]:
    """The blocks of a response, which blank lines separate."""
    texts = re.split(r"\r?\n\r?\n", text.strip())
    blocks = [[line.partition(":") for line in block.splitlines() if ":" in line] for block in texts]
    return [{name.strip(): value.strip() for name, _, value in block} for block in blocks if block]


def measurements(block: AmiBlock, now: datetime) -> list[Measurement]:
    """The current state of a queue, one number each. Averages are since the last start of Asterisk."""
    queue = block["Queue"]
    return [
        Measurement(
            id=f"{queue}:{name}@{int(now.timestamp())}",
            updated_at=now,
            name=name,
            value=convert.number(block[field], name),
            at=now,
            attributes={"queue": queue},
        )
        for field, name in MEASUREMENTS.items()
        if field in block
    ]
