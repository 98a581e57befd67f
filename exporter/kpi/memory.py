"""What hysteresis remembers from one evaluation to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import orjson

from exporter.config.fields import Scope, Status

Key = tuple[str, Scope, str | None, str | None]
"""Whose status is remembered: KPI, scope, team, person."""


class Held(NamedTuple):
    """The status held in a period, and for how many evaluations in a row a worse one was due."""

    status: Status
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """The statuses held, each with the start of the period in which it was reached."""

    entries: Mapping[Key, tuple[datetime, Held]] = field(default_factory=dict)

    def recall(self, key: Key, period_start: datetime) -> Held | None:
        """What was held in this very period: every period starts anew."""
        found = self.entries.get(key)
        return found[1] if found is not None and found[0] == period_start else None

    def dump(self) -> bytes:
        """JSON that `load` reads."""
        return orjson.dumps(
            [[*key, start, held.status, held.waiting] for key, (start, held) in self.entries.items()],
        )

    @classmethod
    def load(cls, dumped: bytes) -> Memory:
        """What `dump` wrote; nothing where it cannot be read, since then statuses simply start anew."""
        try:
            return cls(dict(map(_entry, orjson.loads(dumped))))
        except (ValueError, TypeError):
            return cls()


def _entry(row: list[object]) -> tuple[Key, tuple[datetime, Held]]:
    kpi, scope, team, person, start, status, waiting = row
    key = (str(kpi), Scope(str(scope)), _text(team), _text(person))
    return key, (
        datetime.fromisoformat(str(start)),
        Held(Status(str(status)), int(str(waiting))),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
