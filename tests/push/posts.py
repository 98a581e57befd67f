"""Inboxes of push sources, and posts to them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from exporter.errors import InvalidRecordError
from exporter.push.body import EntityRecords, Post
from exporter.push.inbox import ParsedPost, PushInbox
from exporter.sources.base import SourceContext
from tests.sources.source_context import NOW, options, source_context

TOKEN = "a-token-that-nobody-guesses"


def inbox(*entities: Any, context: SourceContext | None = None, **settings: Any) -> PushInbox:
    """An inbox for these entities, by default for deals."""
    source = {"provider": "push", "token": {"env": "TOKEN"}, "entities": entities or ("deals",), **settings}
    return PushInbox(options(**source), context or source_context(TOKEN=TOKEN))


def post(content: Any, **address: Any) -> Post:
    """A post of JSON, or of CSV if the content is text."""
    is_csv = isinstance(content, str)
    return Post(content.encode() if is_csv else json.dumps(content).encode(), is_csv, **address)


def parsed(content: Any, *entities: Any, now: datetime = NOW, **address: Any) -> ParsedPost:
    """The parsed post."""
    return inbox(*entities).parse(post(content, **address), now)


def single(parsed_post: ParsedPost) -> EntityRecords:
    """The records of a post that concerns one entity."""
    (records,) = parsed_post.entities.values()
    return records


def records(content: EntityRecords) -> list[Any]:
    """The records without their row numbers."""
    return [record for _, record in content.records]


def problems(rejected: dict[int, InvalidRecordError]) -> dict[int, tuple[str, str]]:
    """Field and reason of each rejected row."""
    return {row: (error.field, error.reason.value) for row, error in rejected.items()}
