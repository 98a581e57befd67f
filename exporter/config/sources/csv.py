"""Options of the csv provider: one file, one entity."""

from __future__ import annotations

import codecs
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from exporter.config.fields import EntityName, LocalPath, OneOf
from exporter.config.messages import invalid
from exporter.config.sources.base import ColumnMap, SourceOptions

LONGEST_QUIET = timedelta(days=4)
"""The longest time for which nobody writes a daily file: a weekend and a holiday, with a day to spare."""


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
    complete_until: Annotated[Literal["file", "newest", "now"], OneOf(("file", "newest", "now"))] = "file"
    """Up to when its rows are complete: file, its last modification; newest, its newest row; now, each sync."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The entity of the file."""
        return (self.entity,)

    @property
    def column_maps(self) -> tuple[tuple[tuple[str | int, ...], str, ColumnMap], ...]:
        """The mapping of the file."""
        return ((("columns",), self.entity, self.columns),)

    @property
    def withheld_after(self) -> timedelta:
        """`stale_after` with its default applied: a file is not written as often as it is read."""
        usual = super().withheld_after
        return max(usual, LONGEST_QUIET) if self.stale_after is None and self.ages_by_watermark else usual

    @property
    def ages_by_watermark(self) -> bool:
        """True unless its rows are declared to be complete whenever they are read."""
        return self.complete_until != "now"
