"""A small Aircall account to read, and the source that reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

from exporter.config.sources.aircall import AircallOptions
from exporter.demo.aircall.api import FakeAircall
from exporter.sources.base import Source
from exporter.sources.providers.aircall import create
from tests.demo.tiny_company import ManualClock, TinyCompany
from tests.sources.account import SECRET, RecordingTransport, source_context


@dataclass
class Phones:
    """The account, its clock and the transport to it."""

    company: TinyCompany = field(default_factory=TinyCompany)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.shape = FakeAircall(self.company, self.clock, "key", SECRET)
        self.shape.allowance.limit = 100_000
        self.line = RecordingTransport(Starlette(routes=[Mount("/v1", routes=self.shape.routes())]))

    def source(self, *entities: str, **options: Any) -> Source:
        """A source with the account's key, unless options say otherwise."""
        settings: dict[str, Any] = {
            "name": "telephone", "provider": "aircall", "api_id": "key", "api_token": {"env": "SECRET"},
            "max_per_second": 1000, "entities": list(entities) or ["calls"],
        }  # fmt: skip
        return create(AircallOptions.model_validate({**settings, **options}), source_context(self.clock, self.line))
