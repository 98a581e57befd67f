"""What is remembered about the store outside of it, so that a file that lost its content is not taken for a new one.

DuckDB opens a file whose write-ahead log was deleted, and nothing in it tells that commits are gone: the
sentinel's count of commits does. It is never ahead of the store, because it is written after each commit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

_LENGTH = 256  # one write of constant length inside one disk sector cannot be torn


@dataclass(frozen=True, slots=True)
class Sentinel:
    """The store's identity, its commits so far, and its file's size and change time when last looked at."""

    store_id: str
    commits: int
    size: int = -1
    modified: int = -1

    def describes(self, path: Path) -> bool:
        """True where the file is, to all appearances, as this program left it."""
        found = path.stat()
        return (found.st_size, found.st_mtime_ns) == (self.size, self.modified)


def observe(path: Path, store_id: str, commits: int) -> Sentinel:
    """The sentinel of the file as it is now."""
    found = path.stat()
    return Sentinel(store_id, commits, found.st_size, found.st_mtime_ns)


def read_sentinel(path: Path) -> Sentinel | None:
    """The sentinel, or None where there is none or none that can be read."""
    try:
        return Sentinel(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_sentinel(path: Path, sentinel: Sentinel) -> None:
    """Replaces the sentinel in place. Raises OSError."""
    text = json.dumps(asdict(sentinel)).ljust(_LENGTH - 1) + "\n"
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(text.encode())
