"""The last page of a pass is special, and a paging vendor only shows afterwards which one it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from exporter.errors import SourceError
from exporter.passes import Page


async def ended(pages: AsyncIterator[Page], finish: Callable[[Page], Page]) -> AsyncIterator[Page]:
    """The same pages, the last one as `finish` makes it; a pass without any gets an empty one to finish.

    Each page is held back until the next has come. Where that fails it is given before the error, so that
    the pass goes on after it.
    """
    held: Page | None = None
    try:
        async for page in pages:
            if held is not None:
                yield held
            held = page
    except SourceError:
        if held is not None:
            yield held
        raise
    yield finish(held or Page(()))
