"""The inbox of a configured push source: who may post, how often, and which entity each row belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from exporter.config.sources.push import PushOptions
from exporter.errors import InvalidRecordError, Reason
from exporter.push.body import ENTITY, EntityParser, EntityRecords, NumberedRow, Post, RejectedRows, read_rows
from exporter.push.tokens import PushToken
from exporter.sources.base import SourceContext
from exporter.sources.parsing import convert
from exporter.token_bucket import TokenBucket

TOKEN_CHECK_INTERVAL = 1.0
"""Seconds between two looks at the token's file, if posts arrive."""

BURST_SECONDS = 10.0
"""A burst may use up the posts that the rate allows in this many seconds."""


@dataclass(frozen=True, slots=True)
class ParsedPost:
    """A post by entity; `unassigned` are rejected rows whose entity is unknown."""

    entities: Mapping[str, EntityRecords]
    unassigned: RejectedRows


class PushInbox:
    """Takes posts for one source of the config. It is not a Source: nothing is requested from a vendor."""

    def __init__(self, options: PushOptions, context: SourceContext) -> None:
        self.name = options.name
        self.entities = options.reads
        self._context = context
        self._token = PushToken(options.token, context.environ, context.base)
        self._token_checked_at = context.monotonic()
        self._parsers = {entity.entity: EntityParser(entity, context.zone) for entity in options.entities}
        burst = max(options.max_per_second * BURST_SECONDS, 1.0)
        self._rate = TokenBucket(options.max_per_second, burst, context.monotonic())

    def admits(self, token: bytes) -> bool:
        """True if it is the inbox's token, compared in constant time.

        Raises LookupError if there is no usable token.
        """
        return self._token.matches(token)

    def refresh_token_at(self) -> float:
        """When `refresh_token` should be called next, on the context's monotonic clock."""
        return self._token_checked_at + TOKEN_CHECK_INTERVAL

    def refresh_token(self) -> None:
        """Reads the token again if its file has changed. Not for the event loop: the file system may hang."""
        self._token_checked_at = self._context.monotonic()
        self._token.refresh()

    def token_problem(self) -> str:
        """What is wrong with the configured token; empty if it can be used."""
        return self._token.problem

    def wait(self) -> float:
        """Seconds until the rate allows a post; 0 counts the post."""
        return self._rate.take(self._context.monotonic())

    def single_entity(self, entity: str | None) -> str | None:
        """The entity of all records of a post: the one in its address, or the only one there is."""
        return entity or (self.entities[0] if len(self.entities) == 1 else None)

    def parse(self, post: Post, now: datetime) -> ParsedPost:
        """The post's records by entity; an empty post applies to every entity that it may contain.

        Raises PostError if the body cannot be read at all.
        """
        content = read_rows(post)
        single = self.single_entity(post.entity)
        if not content.rows and not content.rejected:
            return ParsedPost({name: EntityRecords() for name in ((single,) if single else self.entities)}, {})
        rows: dict[str, list[NumberedRow]] = {}
        unassigned = dict(content.rejected)
        for number, row in content.rows:
            try:
                rows.setdefault(self._entity_of(row, single), []).append((number, row))
            except InvalidRecordError as error:
                unassigned[number] = InvalidRecordError(error.reason, error.field, str(number))
        entities = {name: self._parsers[name].parse(numbered, now) for name, numbered in rows.items()}
        if single is None:
            return ParsedPost(entities, unassigned)
        if self._parsers[single].is_mapped:  # the `id` of a row need not be the id of its record
            unassigned = {n: InvalidRecordError(error.reason, error.field, str(n)) for n, error in unassigned.items()}
        records = entities.get(single, EntityRecords())
        return ParsedPost({single: replace(records, rejected={**unassigned, **records.rejected})}, {})

    def _entity_of(self, row: Any, single: str | None) -> str:
        if not isinstance(row, Mapping):
            raise InvalidRecordError(Reason.BAD_TYPE, "record")
        if single is not None and self._parsers[single].is_mapped:
            return single
        allowed = (single,) if single else self.entities
        entity = convert.choice(row.get(ENTITY), ENTITY, {name: name for name in allowed}) or single
        if entity is None:
            raise InvalidRecordError(Reason.MISSING_FIELD, ENTITY)
        return entity
