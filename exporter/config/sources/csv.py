"""Options of the csv provider: one file, one entity."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from exporter.config.fields import EntityName, LocalPath
from exporter.config.messages import invalid
from exporter.config.sources.base import ColumnMap, SourceOptions


def _known_encoding(name: str) -> str:
    try:
        text = codecs.lookup(name)
    except (LookupError, ValueError):
        raise invalid("not an encoding", "utf-8-sig, cp1252, latin-1, utf-16, ...") from None
    if not getattr(text, "_is_text_encoding", True):
        raise invalid("not an encoding of text", "utf-8-sig, cp1252, latin-1, utf-16, ...")
    return name


class CsvOptions(SourceOptions):
    """A CSV file, read again whenever it changes. Rows that disappear count as deleted."""

    provider: Literal["csv"]
    path: LocalPath
    """The file, relative to the config."""
    entity: EntityName
    """What its rows are, such as deals."""
    columns: ColumnMap
    """Record column to the header of the file; `id` is required."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The separator between two values."""
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8-sig"
    """The file's encoding, such as utf-8-sig (UTF-8 with or without a byte order mark), cp1252 or latin-1."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The entity of the file."""
        return (self.entity,)

    @property
    def column_maps(self) -> tuple[tuple[tuple[str | int, ...], str, ColumnMap], ...]:
        """The mapping of the file."""
        return ((("columns",), self.entity, self.columns),)
