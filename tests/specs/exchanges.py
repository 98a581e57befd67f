"""Records what a source sends and receives during its passes, and checks it against the documents of an API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from exporter.passes import Page, Pass
from exporter.sources.base import Source
from exporter.sources.registry import create
from tests.sources.source_context import NOW, FakeClock, options, run, source_context
from tests.specs.specification import OFFICIAL, Specification, query_names, specifications

Change = Callable[[datetime], None]


@dataclass(frozen=True)
class Exchange:
    """A request and its response."""

    request: httpx.Request
    response: httpx.Response


class RecordingTransport(httpx.AsyncBaseTransport):
    """A transport that records every exchange."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.exchanges: list[Exchange] = []
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        response = await self._inner.handle_async_request(request)
        await response.aread()
        self.exchanges.append(Exchange(request, response))
        return response


def record_exchanges(
    vendor: httpx.AsyncBaseTransport,
    environ: dict[str, str],
    change: Change | None = None,
    *,
    clock: FakeClock | None = None,
    data_dir: Path | None = None,
    resumed: bool = True,
    **settings: Any,
) -> list[Exchange]:
    """Everything a source sends and receives for its first entity.

    The source checks its access, runs a full pass, resumes it after each page, and reads the changes. `change` is
    called before the pass for changes. Pass the vendor's `clock` if it has one, and a `data_dir` for refresh tokens.
    With `resumed=False` no pass is resumed.
    """
    transport, clock = RecordingTransport(vendor), clock or FakeClock()
    # a high rate, because requests are paced in real time
    context = source_context(transport, clock=clock, data_dir=data_dir, **environ)
    source = create(options(max_per_second=1000, **settings), context)

    async def run_passes() -> None:
        await source.check()
        pages = await _pages(source, Pass(source.entities[0], NOW))
        for page in pages:
            if resumed and page.resume is not None:
                await _pages(source, Pass(source.entities[0], NOW, resume=page.resume))
        clock.now = NOW + timedelta(minutes=20)
        if change is not None:
            change(clock.now)
        await _pages(source, Pass(source.entities[0], clock.now, pages[-1].cursor))
        await source.close()

    run(run_passes())
    return transport.exchanges


def full_pass(respond: Callable[[httpx.Request], Any], environ: dict[str, str], **settings: Any) -> list[Page]:
    """The pages of a full pass; `respond` returns the JSON body of each response."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=respond(request)))
    source = create(options(max_per_second=1000, **settings), source_context(transport, **environ))
    return run(_pages(source, Pass(source.entities[0], NOW)))


async def _pages(source: Source, sync_pass: Pass) -> list[Page]:
    return [page async for page in source.read(sync_pass)]


@dataclass(frozen=True)
class ApiDocuments:
    """The documents of one vendor: its official files, or the project's own shapes."""

    specifications: Sequence[Specification]
    official: bool = True

    @classmethod
    def from_origin(cls, vendor: str, origin: str) -> ApiDocuments:
        """Loads a vendor's documents; skips the test if the official files are not available."""
        return cls(specifications(vendor, origin), official=origin == OFFICIAL)

    def specification_of(self, request: httpx.Request) -> Specification:
        """The document that contains the request's address, or the first one if none does."""
        return next((each for each in self.specifications if each.has_operation(request)), self.specifications[0])

    def document_path(self, request: httpx.Request) -> tuple[str, str]:
        """The name of the document that contains the request's address, and the path in it."""
        document = self.specification_of(request)
        return document.name, document.path(request)

    def refusals(self, exchanges: Iterable[Exchange]) -> dict[str, str]:
        """Why requests are not allowed: one example for each operation and violated rule."""
        distinct = {(each.request.method, str(each.request.url)): each.request for each in exchanges}
        refusals: dict[str, str] = {}
        for request in distinct.values():
            refusals = self.specification_of(request).refusals(request) | refusals
        return refusals

    def mismatches(self, exchanges: Iterable[Exchange]) -> set[str]:
        """Where successful responses differ from the documents."""
        successes = [(self.specification_of(each.request), each) for each in exchanges if each.response.is_success]
        return {
            message
            for document, each in successes
            for message in document.mismatches(document.path(each.request), each.response.json())
        }

    def operations(self, exchanges: Iterable[Exchange]) -> dict[str, set[str]]:
        """The requested operations, each with the query parameters that were used."""
        operations: dict[str, set[str]] = {}
        for each in exchanges:
            operation = self.specification_of(each.request).operation(each.request)
            operations.setdefault(operation, set()).update(query_names(each.request))
        return operations


def assert_only(actual: Mapping[str, str] | Collection[str], known: Mapping[str, str]) -> None:
    """Fails for actual messages that are not known, and for known ones, which map to their reason, that no longer occur.

    `actual` may map the key by which a message is known to the message.
    """
    messages = actual if isinstance(actual, Mapping) else {message: message for message in actual}
    unexpected = [messages[key] for key in sorted(messages.keys() - known.keys())]
    obsolete = sorted(known.keys() - messages.keys())
    assert not unexpected, "\n".join(["", *unexpected])
    assert not obsolete, "\n".join(["no longer needed:", *obsolete])
