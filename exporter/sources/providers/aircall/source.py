"""An Aircall account as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from exporter.config.sources.aircall import AircallOptions
from exporter.errors import IncompletePassError, Reason, SourceError, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.access_check import access
from exporter.sources.base import Access, SourceContext
from exporter.sources.http.auth import BasicAuth
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.pagination import Batch, Listed, walk
from exporter.sources.parsing.rows import take
from exporter.sources.providers.aircall.payloads import person, teams_by_user
from exporter.sources.providers.aircall.reading import LAG, PAGES, Reading, rows_of, total_of

BASE_URL = "https://api.aircall.io/v1"
PER_SECOND = 1.0
"""Published as 60 and as 120 a minute for a company; the headers tell when others have used them up."""
LOOKBACK = timedelta(days=1)
"""How long a call is read again after it started: it ends, is tagged and archived, and no filter tells."""

_WINDOW = 60.0


def create(options: AircallOptions, context: SourceContext) -> AircallSource:
    """The source that the options describe; raises SourceRejectedError where its address is not allowed."""
    client = SourceClient(
        options,
        options.base_url or BASE_URL,
        BasicAuth(options.api_id, options.api_token, context),
        context,
        limits=Limits(PER_SECOND, header_wait(context.clock)),
        classify=classify,
    )
    return AircallSource(options, context, client)


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """Aircall answers 403 to a wrong key; there are no permissions that one could lack."""
    if status == 403:
        return SourceRejectedError(Reason.UNAUTHORIZED, "the API key is refused (403)")
    return None


def header_wait(clock: Callable[[], datetime]) -> Callable[[Mapping[str, str]], float | None]:
    """Reads X-AircallApi-Reset, the epoch second at which the window of a minute ends, once nothing remains."""

    def read(headers: Mapping[str, str]) -> float | None:
        if headers.get("x-aircallapi-remaining") != "0":
            return None
        reset = headers.get("x-aircallapi-reset", "")
        wait = float(reset) - clock().timestamp() if reset.isdecimal() else _WINDOW
        return wait if 0 < wait <= _WINDOW else _WINDOW  # two clocks may differ by more than a window

    return read


class AircallSource:
    """Calls by their start, users and teams always whole."""

    lag = LAG

    def __init__(self, options: AircallOptions, context: SourceContext, client: SourceClient) -> None:
        self.name = options.name
        # people first: numbers of teams and persons wait for them
        self.entities = tuple(sorted(options.reads, key=lambda entity: entity != "people"))
        self._options = options
        self._context = context
        self._client = client

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        if sync_pass.entity == "people":
            pages = self._people()
        else:
            pages = Reading(self._client, sync_pass, self._since(sync_pass), self._context.clock()).pages()
        async for page in pages:
            yield page

    def _since(self, sync_pass: Pass) -> datetime:
        begin = sync_pass.started_at - self._options.history
        if sync_pass.cursor is None:
            return begin
        lookback = LOOKBACK if self._options.lookback is None else self._options.lookback
        return max(begin, datetime.fromisoformat(sync_pass.cursor) - lookback)

    async def _people(self) -> AsyncIterator[Page]:
        """Everybody at each pass. No listing: who is removed at Aircall keeps a name for the calls of before."""
        teams: list[Any] = []
        async for batch in self._all("teams"):
            teams += batch.rows
        make = partial(person, teams=teams_by_user(teams))
        async for batch in self._all("users"):
            taken = take(batch.rows, make, self._context.clock())
            yield Page(taken.records, taken.rejected)

    async def _all(self, name: str) -> AsyncIterator[Batch]:
        """Pages of a list without a filter; raises IncompletePassError(CAPPED) where it ends before its own total."""
        rows = 0
        async for batch in walk(self._client, Listed(f"/{name}", {}, PAGES, lambda answer: rows_of(answer, name))):
            rows += len(batch.rows)
            if batch.following is None and rows < total_of(batch.answer):
                raise IncompletePassError(Reason.CAPPED, f"{rows} {name} of {total_of(batch.answer)} were given")
            yield batch

    async def check(self) -> tuple[Access, ...]:
        """Asks for one record of each kind; a key that is refused is refused for all of them."""
        return tuple([await access(entity, "", self._probe(entity)) for entity in self.entities])

    async def _probe(self, entity: str) -> None:
        for name in ("calls",) if entity == "calls" else ("users", "teams"):
            rows_of(await self._client.get(f"/{name}", {"per_page": "1"}), name)

    async def close(self) -> None:
        """Frees connections."""
        await self._client.close()
