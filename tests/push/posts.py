"""Sources that wait for posts, and posts to them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from exporter.errors import InvalidRecordError
from exporter.push.body import Post
from exporter.push.push_rows import Batch
from exporter.push.source import Posted, PushSource, create
from exporter.records import Record
from exporter.sources.base import SourceContext
from tests.sources.source_context import NOW, options, source_context

TOKEN = "a-token-that-nobody-guesses"


def source(*entities: Any, context: SourceContext | None = None, **given: Any) -> PushSource:
    """A source that takes these entities, by default deals."""
    told = {"provider": "push", "token": {"env": "TOKEN"}, "entities": entities or ("deals",), **given}
    return create(options(**told), context or source_context(TOKEN=TOKEN))


def post(content: Any, **more: Any) -> Post:
    """A post of JSON, or of CSV where the content is text."""
    is_csv = isinstance(content, str)
    return Post(content.encode() if is_csv else json.dumps(content).encode(), is_csv, **more)


def taken(content: Any, *entities: Any, now: datetime = NOW, **more: Any) -> Posted:
    """The post taken apart."""
    return source(*entities).take(post(content, **more), now)


def only(posted: Posted) -> Batch:
    """The batch of a post that concerns one entity."""
    (batch,) = posted.batches.values()
    return batch


def records(batch: Batch) -> list[Any]:
    """Its records without the numbers of their rows."""
    found: list[Record] = [record for _, record in batch.records]
    return found


def told(refused: dict[int, InvalidRecordError]) -> dict[int, tuple[str, str]]:
    """Field and reason of each row that cannot be taken."""
    return {row: (error.field, error.reason.value) for row, error in refused.items()}
