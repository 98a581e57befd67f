"""Many texts that grow at the same time, in one file and little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_BUFFERED = 48_000_000
"""Bytes buffered in memory before they are written to the file."""

PieceOffsets = Mapping[bytes, list[tuple[int, int]]]
"""The offset and length of each text's pieces in the file, in order."""


class Spool:
    """Appends pieces of many texts, each under its key; `end` returns where they are."""

    def __init__(self, path: Path, max_buffered: int = MAX_BUFFERED) -> None:
        self._file: BinaryIO = path.open("wb")
        self._max_buffered = max_buffered
        self._buffer: dict[bytes, list[bytes]] = {}
        self._size = 0
        self._offset = 0
        self._offsets: dict[bytes, list[tuple[int, int]]] = {}

    def append(self, key: bytes, piece: bytes) -> None:
        """Appends a piece to the text of this key. Raises OSError."""
        self._buffer.setdefault(key, []).append(piece)
        self._size += len(piece)
        if self._size >= self._max_buffered:
            self._write()

    def end(self) -> PieceOffsets:
        """Closes the file and returns the offsets of all pieces. Raises OSError."""
        self._write()
        self._file.close()
        return self._offsets

    def discard(self) -> None:
        """Closes the file without writing the buffer."""
        with suppress(OSError):
            self._file.close()

    def _write(self) -> None:
        for key, pieces in self._buffer.items():
            text = b"".join(pieces)
            self._file.write(text)
            self._offsets.setdefault(key, []).append((self._offset, len(text)))
            self._offset += len(text)
        self._buffer.clear()
        self._size = 0


@dataclass(frozen=True, slots=True)
class SpooledTexts:
    """A finished spool: its file and the offsets of the pieces."""

    path: Path
    offsets: PieceOffsets

    def read(self, file: BinaryIO, key: bytes) -> Iterator[bytes]:
        """The pieces of one text, read from the open file."""
        for offset, length in self.offsets.get(key, ()):
            file.seek(offset)
            yield file.read(length)
