"""An Aircall account as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from exporter.config.sources.aircall import AircallOptions
from exporter.errors import IncompletePassError, Reason, SourceError, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.base import SourceContext
from exporter.sources.cursor import changes_since
from exporter.sources.http.auth import BasicAuthenticator
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.pagination import ListRequest, VendorPage, walk
from exporter.sources.provider import ProviderSource, page_of, rows_under
from exporter.sources.providers.aircall.payloads import person, teams_by_user
from exporter.sources.providers.aircall.reading import LAG, PAGES, CallPass, total_of

BASE_URL = "https://api.aircall.io/v1"
PER_SECOND = 1.0
"""Published as 60 and as 120 a minute for a company; the headers tell when others have used them up."""

_WINDOW = 60.0


def create(options: AircallOptions, context: SourceContext) -> AircallSource:
    """The source that the options describe; raises SourceRejectedError if its address is not allowed."""
    auth = BasicAuthenticator(options.api_id, options.api_token, context)
    limits = Limits(PER_SECOND, header_wait(context.clock))
    client = SourceClient(options, options.base_url or BASE_URL, auth, context, limits=limits, classify=classify)
    return AircallSource(options, context, client)


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """Aircall answers 403 to a wrong key; it has no permissions that a key could lack."""
    if status == 403:
        return SourceRejectedError(Reason.UNAUTHORIZED, "the API key is refused (403)")
    return None


def header_wait(clock: Callable[[], datetime]) -> Callable[[Mapping[str, str]], float | None]:
    """Reads X-AircallApi-Reset, the epoch second at which the window of a minute ends, once no requests are left."""

    def wait(headers: Mapping[str, str]) -> float | None:
        if headers.get("x-aircallapi-remaining") != "0":
            return None
        reset = headers.get("x-aircallapi-reset", "")
        seconds = float(reset) - clock().timestamp() if reset.isdecimal() else _WINDOW
        return seconds if 0 < seconds <= _WINDOW else _WINDOW  # two clocks may differ by more than a window

    return wait


class AircallSource(ProviderSource[AircallOptions]):
    """Reads calls by their start, and all users and teams at each pass."""

    lag = LAG
    default_lookback = timedelta(days=1)
    """How long after its start a call is read again: it ends, is tagged and archived, and no filter says so."""

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        pages = self._people() if sync_pass.entity == "people" else self._calls(sync_pass)
        async for page in pages:
            yield page

    def _calls(self, sync_pass: Pass) -> AsyncIterator[Page]:
        begin = sync_pass.started_at - self._options.history
        since = max(begin, changes_since(sync_pass, self._lookback) or begin)
        return CallPass(self._client, sync_pass, since).pages()

    async def _people(self) -> AsyncIterator[Page]:
        """Everybody at each pass. No listing: users removed at Aircall keep a name for their earlier calls."""
        teams = [row async for batch in self._all("teams") for row in batch.rows]
        make = partial(person, teams=teams_by_user(teams))
        async for batch in self._all("users"):
            yield page_of(batch.rows, make)

    async def _all(self, name: str) -> AsyncIterator[VendorPage]:
        """Pages of an unfiltered list; raises IncompletePassError(CAPPED) if it ends before its own total."""
        rows = 0
        async for batch in walk(self._client, ListRequest(f"/{name}", {}, PAGES, partial(rows_under, name=name))):
            rows += len(batch.rows)
            if batch.following is None and rows < total_of(batch.response):
                raise IncompletePassError(Reason.CAPPED, f"{rows} {name} of {total_of(batch.response)} were given")
            yield batch

    async def _probe(self, entity: str) -> None:
        """Asks for one record of each list; a key that is rejected is rejected for all of them."""
        for name in ("calls",) if entity == "calls" else ("users", "teams"):
            rows_under(await self._client.get(f"/{name}", {"per_page": "1"}), name)
