"""One process per data directory: a lock the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from exporter.errors import StoreError, StoreLockedError


class DirectoryLock:
    """Held from construction to `release`."""

    def __init__(self, path: Path) -> None:
        """Takes the lock at once or raises StoreLockedError; StoreError where the file cannot be written."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileExistsError as error:
            raise StoreError(f"{path.parent} is no folder: choose another --data-dir") from error
        except OSError as error:
            told = f"{path.parent} cannot be written: {error.strerror}"
            raise StoreError(f"{told}: mend that or choose another --data-dir") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreLockedError(path.parent) from error

    def release(self) -> None:
        """Lets the next process in."""
        os.close(self._file)
