"""Many lists of numbers that grow at the same time, in one file and little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_BUFFERED = 6_000_000
"""Numbers buffered in memory, at eight bytes each, before they are written to the file."""

PieceOffsets = Mapping[bytes, list[tuple[int, int]]]
"""The offset and length in bytes of each list's pieces in the file, in order."""

_NUMBER = "d"


class Spool:
    """Appends to many lists of numbers, each under its key; `end` returns them."""

    def __init__(self, path: Path, max_buffered: int = MAX_BUFFERED) -> None:
        self._path = path
        self._file: BinaryIO = path.open("wb")
        self._max_buffered = max_buffered
        self._buffer: dict[bytes, array[float]] = {}
        self._count = 0
        self._offset = 0
        self._offsets: dict[bytes, list[tuple[int, int]]] = {}

    def append(self, key: bytes, numbers: Sequence[float]) -> None:
        """Appends numbers to the list of this key. Raises OSError."""
        buffered = self._buffer.get(key)
        if buffered is None:
            self._buffer[key] = array(_NUMBER, numbers)
        else:
            buffered.extend(numbers)
        self._count += len(numbers)
        if self._count >= self._max_buffered:
            self._write()

    def end(self) -> SpooledNumbers:
        """Closes the file and returns the lists in it. Raises OSError."""
        self._write()
        self._file.close()
        return SpooledNumbers(self._path, self._offsets)

    def close(self) -> None:
        """Closes the file without writing the buffer."""
        with suppress(OSError):
            self._file.close()

    def _write(self) -> None:
        for key, numbers in self._buffer.items():
            piece = numbers.tobytes()
            self._file.write(piece)
            self._offsets.setdefault(key, []).append((self._offset, len(piece)))
            self._offset += len(piece)
        self._buffer.clear()
        self._count = 0


@dataclass(frozen=True, slots=True)
class SpooledNumbers:
    """A finished spool: its file and the offsets of the pieces."""

    path: Path
    offsets: PieceOffsets

    def read(self, file: BinaryIO, key: bytes) -> Iterator[array[float]]:
        """The pieces of one list, read from the open file."""
        for offset, length in self.offsets.get(key, ()):
            file.seek(offset)
            piece: array[float] = array(_NUMBER)
            piece.frombytes(file.read(length))
            yield piece
