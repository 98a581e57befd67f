"""Options of the csv provider: one file, one entity."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from exporter.config.fields import LocalPath, Name
from exporter.config.sources.base import ColumnMap, SourceOptions


def _known(encoding: str) -> str:
    try:
        b"".decode(encoding)
    except (LookupError, ValueError):
        raise ValueError("not a known character set: try utf-8-sig, cp1252 or latin-1") from None
    return encoding


class CsvOptions(SourceOptions):
    """A CSV file, read again whenever it changes; rows that vanish count as deleted."""

    provider: Literal["csv"]
    path: LocalPath
    """The file, relative to the config."""
    entity: Name
    columns: ColumnMap
    """Our columns to the file's headers; `id` is needed."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: Annotated[str, AfterValidator(_known)] = "utf-8-sig"
    """The file's character set, such as utf-8-sig (UTF-8 with or without its mark), cp1252 or latin-1."""

    @model_validator(mode="after")
    def _has_id(self) -> CsvOptions:
        if "id" not in self.columns:
            raise ValueError("columns needs an id: what names a row uniquely")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The one entity of the file."""
        return (self.entity,)
