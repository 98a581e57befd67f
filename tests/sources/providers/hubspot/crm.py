"""A small HubSpot account to read, and the source that reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from exporter.config.sources.hubspot import HubspotOptions
from exporter.demo.hubspot.access import HubspotAccess
from exporter.demo.hubspot.api import SCOPES, FakeHubspot
from exporter.sources.base import Source
from exporter.sources.providers.hubspot import create
from tests.demo.tiny_company import ManualClock, TinyCompany
from tests.sources.account import SECRET, RecordingTransport, source_context


@dataclass
class Crm:
    """The account, its clock and the transport to it."""

    company: TinyCompany = field(default_factory=TinyCompany)
    clock: ManualClock = field(default_factory=ManualClock)
    scopes: frozenset[str] = SCOPES
    data_dir: Path | None = None

    def __post_init__(self) -> None:
        self.access = HubspotAccess(self.clock, SECRET, self.scopes)
        self.access.searches.limit = self.access.allowance.limit = 100_000
        self.shape = FakeHubspot(self.company, self.clock, self.access)
        self.line = RecordingTransport(Starlette(routes=self.shape.routes()))

    def source(self, *entities: str, **options: Any) -> Source:
        """A source with a service key, unless options say otherwise."""
        settings: dict[str, Any] = {
            "name": "crm", "provider": "hubspot", "token": {"env": "SECRET"}, "max_per_second": 1000,
            "entities": list(entities) or ["deals"],
        }  # fmt: skip
        settings = {name: value for name, value in {**settings, **options}.items() if value is not None}
        context = source_context(self.clock, self.line, self.data_dir, REFRESH="demo-refresh")
        return create(HubspotOptions.model_validate(settings), context)
