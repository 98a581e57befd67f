"""Options of the csv provider: one file, one entity."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from exporter.config.fields import LocalPath, Name
from exporter.config.sources.base import ColumnMap, SourceOptions


class CsvOptions(SourceOptions):
    """A CSV file, read again whenever it changes; rows that vanish count as deleted."""

    provider: Literal["csv"]
    path: LocalPath
    """The file, relative to the config."""
    entity: Name
    columns: ColumnMap
    """Our columns to the file's headers; `id` is needed."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8-sig"

    @property
    def reads(self) -> tuple[str, ...]:
        """The one entity of the file."""
        return (self.entity,)
