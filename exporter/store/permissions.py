"""The data directory and the files of the store are for their owner only, whatever their modes were before.

The store has records of customers and people, and the copies and the directory's credentials are as confidential.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter.disk import FILE_MODE
from exporter.errors import StoreError

DIRECTORY_MODE = 0o700

_OTHERS = 0o077

_log = logging.getLogger(__name__)


def make_directory(data_dir: Path) -> None:
    """Creates the directory if it is missing, and closes it and the files named `kpi.*` to other users.

    Raises StoreError if it cannot be used, or is shared with everybody, as /tmp is.
    """
    try:
        data_dir.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        mode = data_dir.stat().st_mode
        if mode & stat.S_ISVTX:
            raise StoreError(f"{data_dir} is shared by all users: choose another --data-dir, such as {data_dir}/kpi")
        _close(data_dir, mode, DIRECTORY_MODE)
        for path in data_dir.glob("kpi.*"):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                _close(path, status.st_mode, FILE_MODE)
    except FileExistsError as error:
        raise StoreError(f"{data_dir} is not a folder: choose another --data-dir") from error
    except OSError as error:
        raise unusable(data_dir, error) from error


def unusable(path: Path, error: OSError) -> StoreError:
    """The error of a path that cannot be read or written, with what to do about it."""
    if isinstance(error, PermissionError):
        user = os.geteuid()
        cure = f"give it to the user of this process (chown -R {user} {path}) or choose another --data-dir"
    else:
        cure = "fix it or choose another --data-dir"
    return StoreError(f"{path} cannot be read and written: {error.strerror}: {cure}")


@contextmanager
def private_files() -> Iterator[None]:
    """Files that are created inside are for their owner only. DuckDB creates its log at any first write."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def _close(path: Path, mode: int, wanted: int) -> None:
    """Removes the rights of others; a warning if the path belongs to somebody else, as volumes of Kubernetes may."""
    if stat.S_IMODE(mode) == wanted:
        return
    try:
        path.chmod(wanted)
    except OSError as error:
        if mode & _OTHERS:
            _log.warning("%s stays open to other users (mode %o): %s", path, stat.S_IMODE(mode), error.strerror)
