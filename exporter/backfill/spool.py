"""Many texts that grow at the same time, in one file and little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BUFFERED = 48_000_000
"""Bytes kept in memory before all of them go to the file."""

Places = Mapping[bytes, list[tuple[int, int]]]
"""Where the pieces of each text lie in a spool's file: offset and length, in order."""


class Spool:
    """Takes pieces of many texts, each under its key; `end` says where they lie."""

    def __init__(self, path: Path, buffered: int = BUFFERED) -> None:
        self._file: BinaryIO = path.open("wb")
        self._buffered = buffered
        self._waiting: dict[bytes, list[bytes]] = {}
        self._size = 0
        self._at = 0
        self._places: dict[bytes, list[tuple[int, int]]] = {}

    def append(self, key: bytes, piece: bytes) -> None:
        """Adds a piece to the text of this key. Raises OSError."""
        self._waiting.setdefault(key, []).append(piece)
        self._size += len(piece)
        if self._size >= self._buffered:
            self._write()

    def end(self) -> Places:
        """Closes the file; gives the places of all pieces. Raises OSError."""
        self._write()
        self._file.close()
        return self._places

    def discard(self) -> None:
        """Closes the file as it is."""
        with suppress(OSError):
            self._file.close()

    def _write(self) -> None:
        for key, pieces in self._waiting.items():
            text = b"".join(pieces)
            self._file.write(text)
            self._places.setdefault(key, []).append((self._at, len(text)))
            self._at += len(text)
        self._waiting.clear()
        self._size = 0


@dataclass(frozen=True, slots=True)
class Spooled:
    """What a spool left behind: its file, and where the pieces lie."""

    path: Path
    places: Places

    def read(self, file: BinaryIO, key: bytes) -> Iterator[bytes]:
        """The pieces of one text, from the opened file."""
        for offset, length in self.places.get(key, ()):
            file.seek(offset)
            yield file.read(length)
