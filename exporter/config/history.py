"""How long the past of records is kept, and when a period is final."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from exporter.config.fields import Duration, OneOf, Section


class Restate(StrEnum):
    """Whether comparisons with a sealed period use what the records say now: never, or always."""

    NEVER = "never"
    ALWAYS = "always"


class History(Section):
    """The past: superseded versions of records, and the sealing of periods."""

    retention: Annotated[Duration, Field(ge=timedelta(days=1))] = timedelta(days=400)
    """How long superseded versions of records are kept."""
    settling: Annotated[int, Field(ge=0, le=366)] = 3
    """Workdays after the end of a period until its result is sealed; 0 seals as soon as all sources are complete."""
    restate: Annotated[Restate, OneOf.members(Restate)] = Restate.NEVER
    """Previous values and growth targets use the sealed result (never) or what the records say now (always)."""
