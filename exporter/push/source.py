"""The push provider: nothing is read, and what is posted becomes records."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from exporter.config.sources.push import PushOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.push.body import Numbered, Post, Refused, rows_of
from exporter.push.push_rows import ENTITY, Batch, Shape
from exporter.sources.base import Access, SourceContext
from exporter.sources.parsing import convert

SHORTEST_TOKEN = 16
"""Characters; a shorter token can be guessed."""

BURST = 10.0
"""Seconds' worth of posts that may come at once."""


def create(options: PushOptions, context: SourceContext) -> PushSource:
    """The source that the options describe."""
    return PushSource(options, context)


@dataclass(frozen=True, slots=True)
class Posted:
    """A post taken apart. `strays` are rows of which nobody can say what they are."""

    batches: Mapping[str, Batch]
    strays: Refused


class PushSource:
    """Says who may post, how often, and what the rows mean."""

    lag = timedelta(0)

    def __init__(self, options: PushOptions, context: SourceContext) -> None:
        self.name = options.name
        self.entities = options.reads
        self._options = options
        self._context = context
        self._shapes = {part.entity: Shape(part, context.zone) for part in options.entities}
        self._allowance = _Allowance(options.max_per_second, context.monotonic)

    def admits(self, token: bytes) -> bool:
        """Whether it is the source's token, found out in the same time for any.

        Raises LookupError where the file that holds it cannot be read.
        """
        known = self._options.token.reveal(self._context.environ, self._context.base)
        return hmac.compare_digest(hashlib.sha256(token).digest(), hashlib.sha256(known.encode()).digest())

    def wait(self) -> float:
        """Seconds after which a post may come; 0 takes its turn."""
        return self._allowance.take()

    def only(self, entity: str | None) -> str | None:
        """The entity that all records of a post are, by its address or because there is no other."""
        return entity or (self.entities[0] if len(self.entities) == 1 else None)

    def take(self, post: Post, now: datetime) -> Posted:
        """The post's records by entity; an empty post is word of everything the source may send.

        Raises PostError where the body cannot be read at all.
        """
        content = rows_of(post)
        only = self.only(post.entity)
        if not content.rows and not content.refused:
            return Posted({name: Batch() for name in ((only,) if only else self.entities)}, {})
        rows: dict[str, list[Numbered]] = {}
        strays = dict(content.refused)
        for number, row in content.rows:
            try:
                rows.setdefault(self._entity_of(row, only), []).append((number, row))
            except InvalidRecordError as error:
                strays[number] = InvalidRecordError(error.reason, error.field, str(number))
        batches = {name: self._shapes[name].take(numbered, now) for name, numbered in rows.items()}
        return Posted(batches, strays) if only is None else Posted({only: self._joined(batches, only, strays)}, {})

    def _joined(self, batches: Mapping[str, Batch], only: str, strays: Refused) -> Batch:
        """The one batch, with the rows that are none. A row's `id` is its id only where no column is mapped."""
        if self._shapes[only].is_mapped:
            strays = {n: InvalidRecordError(error.reason, error.field, str(n)) for n, error in strays.items()}
        ours = batches.get(only, Batch())
        return replace(ours, refused={**strays, **ours.refused})

    def _entity_of(self, row: Any, only: str | None) -> str:
        if not isinstance(row, Mapping):
            raise InvalidRecordError(Reason.BAD_TYPE, "record")
        if only is not None and self._shapes[only].is_mapped:
            return only
        allowed = (only,) if only else self.entities
        said = convert.choice(row.get(ENTITY), ENTITY, {name: name for name in allowed}) or only
        if said is None:
            raise InvalidRecordError(Reason.MISSING_FIELD, ENTITY)
        return said

    def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Raises SourceRejectedError: there is nothing to read."""
        raise SourceRejectedError(Reason.BAD_REQUEST, f"{sync_pass.entity} are posted to /push/{self.name}, not read")

    async def check(self) -> tuple[Access, ...]:
        """Whether there is a token that cannot be guessed."""
        missing = self._weakness()
        return tuple(Access(entity, allowed=not missing, missing=missing) for entity in self.entities)

    def _weakness(self) -> str:
        try:
            token = self._options.token.reveal(self._context.environ, self._context.base)
        except LookupError as error:
            return str(error)
        short = len(token) < SHORTEST_TOKEN
        return f"a token of {SHORTEST_TOKEN} characters or more, as openssl rand -hex 32 makes them" if short else ""

    async def close(self) -> None:
        """Nothing is held open."""
        return


class _Allowance:
    """A bucket that fills with time: how many posts may still come."""

    def __init__(self, per_second: float, monotonic: Callable[[], float]) -> None:
        self._rate, self._monotonic = per_second, monotonic
        self._most = max(per_second * BURST, 1.0)
        self._left, self._at = self._most, monotonic()

    def take(self) -> float:
        now = self._monotonic()
        self._left, self._at = min(self._left + (now - self._at) * self._rate, self._most), now
        if self._left < 1:
            return (1 - self._left) / self._rate
        self._left -= 1
        return 0.0
