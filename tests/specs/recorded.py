"""What a provider really sends and receives over whole passes, and what the documents of an API say about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from exporter.passes import Page, Pass
from exporter.sources.base import Source
from exporter.sources.registry import create
from tests.sources.source_context import NOW, Clock, options, run, source_context
from tests.specs.specification import OFFICIAL, Specification, names, specifications

Change = Callable[[datetime], None]


@dataclass(frozen=True)
class Exchange:
    """A request and its answer."""

    request: httpx.Request
    answer: httpx.Response


class Recording(httpx.AsyncBaseTransport):
    """The way to a vendor, which keeps what is said."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.exchanges: list[Exchange] = []
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        self.exchanges.append(Exchange(request, answer))
        return answer


def converse(
    vendor: httpx.AsyncBaseTransport,
    environ: dict[str, str],
    change: Change | None = None,
    *,
    clock: Clock | None = None,
    resumed: bool = True,
    **given: Any,
) -> list[Exchange]:
    """All that a source says about its first entity: access, all of it, the rest of it after each page, and changes.

    `change` is told when the pass for changes begins; `clock` is also the vendor's where it has one. Without
    `resumed` no pass is taken up after a page.
    """
    recording, clock = Recording(vendor), clock or Clock()
    # the pace is real time, which no test needs
    source = create(options(max_per_second=1000, **given), source_context(recording, clock=clock, **environ))

    async def talk() -> None:
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

    run(talk())
    return recording.exchanges


def full_pass(answer: Callable[[httpx.Request], Any], environ: dict[str, str], **given: Any) -> list[Page]:
    """What a source makes of a vendor's answers, which are given as JSON."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answer(request)))
    source = create(options(max_per_second=1000, **given), source_context(transport, **environ))
    return run(_pages(source, Pass(source.entities[0], NOW)))


async def _pages(source: Source, sync_pass: Pass) -> list[Page]:
    return [page async for page in source.read(sync_pass)]


@dataclass(frozen=True)
class Vendor:
    """The documents of one vendor, which are its official files or the project's own shapes."""

    specifications: Sequence[Specification]
    official: bool = True

    @classmethod
    def of_origin(cls, vendor: str, origin: str) -> Vendor:
        """A vendor's documents by where they come from; skips the test if they are not there."""
        return cls(specifications(vendor, origin), official=origin == OFFICIAL)

    def of(self, request: httpx.Request) -> Specification:
        """The file that has the request's address; any where none has."""
        return next((each for each in self.specifications if each.knows(request)), self.specifications[0])

    def place(self, request: httpx.Request) -> tuple[str, str]:
        """The file of the request, and its path there."""
        file = self.of(request)
        return file.name, file.path(request)

    def refusals(self, exchanges: Iterable[Exchange]) -> dict[str, str]:
        """Why requests are not allowed: for each operation and rule that is broken one of them."""
        distinct = {(each.request.method, str(each.request.url)): each.request for each in exchanges}
        found: dict[str, str] = {}
        for request in distinct.values():
            found = self.of(request).refusals(request) | found
        return found

    def lies(self, exchanges: Iterable[Exchange]) -> set[str]:
        """Where good answers are not what the vendor would say."""
        good = [each for each in exchanges if each.answer.is_success]
        asked = [(self.of(each.request), each) for each in good]
        return {t for file, each in asked for t in file.lies(file.path(each.request), each.answer.json())}

    def operations(self, exchanges: Iterable[Exchange]) -> dict[str, set[str]]:
        """What is asked: each operation with the query parameters that are used."""
        found: dict[str, set[str]] = {}
        for each in exchanges:
            found.setdefault(self.of(each.request).operation(each.request), set()).update(names(each.request))
        return found


def only(found: Mapping[str, str] | Collection[str], known: Mapping[str, str]) -> None:
    """Fails for what is found but not known, each on its line, and for what is known, with its reason, but not found.

    What is found may have a key by which it is known.
    """
    texts = found if isinstance(found, Mapping) else {text: text for text in found}
    new, past = [texts[key] for key in sorted(texts.keys() - known.keys())], sorted(known.keys() - texts.keys())
    assert not new, "\n".join(["", *new])
    assert not past, "\n".join(["no longer so:", *past])
