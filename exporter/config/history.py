"""How long the past of records is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from exporter.config.fields import Duration, Section


class History(Section):
    """The past: superseded versions of records."""

    retention: Annotated[Duration, Field(ge=timedelta(days=1))] = timedelta(days=400)
    """How long superseded versions of records are kept."""
