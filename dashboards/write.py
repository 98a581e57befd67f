"""Writing what was generated: every file whole, and nothing replaced before all of it is on disk."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dashboards.manifest import NAME, Manifest, parse
from exporter.errors import ExporterError

_STAGING = ".staging-"


class StaleOutputError(ExporterError):
    """The generated files on disk are not those of the config. `paths` names them."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.paths = paths
        count = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
        super().__init__(f"{count} out of date, run kpi-exporter generate: {', '.join(paths)}")


@dataclass(frozen=True, slots=True)
class Written:
    """What changed on disk, by path."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def earlier(out: Path) -> Manifest:
    """What was generated into the folder before."""
    text = _read(out / NAME)
    return parse(text) if text is not None else Manifest()


def write(out: Path, files: Mapping[str, str]) -> Written:
    """Brings the folder to `files`; raises OSError with the folder as it was if they do not fit on the disk.

    All files are staged beside their places first, then renamed one by one: a reader, or a kill in between, finds
    each file whole, old or new. Files of an earlier run that are not generated any more are removed; what this
    program never wrote is left alone. The manifest comes last, so that a run after a kill knows what is left to do.
    """
    out.mkdir(parents=True, exist_ok=True)
    for litter in out.glob(f"{_STAGING}*"):
        shutil.rmtree(litter)
    differing = {path: text for path, text in files.items() if _read(out / path) != text}
    new = tuple(path for path in differing if not (out / path).exists())
    gone = tuple(_obsolete(out, files))
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=out))
    try:
        _stage(staging, differing)
        for path in differing:
            if path != NAME:
                _place(staging / path, out / path)
        for path in gone:
            _remove(out, out / path)
        if NAME in differing:
            _place(staging / NAME, out / NAME)
    finally:
        shutil.rmtree(staging)
    return Written(new, tuple(path for path in differing if path not in new), gone)


def difference(out: Path, files: Mapping[str, str]) -> str:
    """A unified diff from the folder to `files`; empty where they are the same."""
    lines: list[str] = []
    for path in _stale(out, files):
        before, after = _read(out / path) or "", files.get(path, "")
        lines += difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), f"on disk/{path}", f"generated/{path}"
        )
    return "".join(lines)


def require_same(out: Path, files: Mapping[str, str]) -> None:
    """Raises StaleOutputError where the folder differs from `files`."""
    stale = tuple(_stale(out, files))
    if stale:
        raise StaleOutputError(stale)


def _stale(out: Path, files: Mapping[str, str]) -> Iterator[str]:
    yield from (path for path, text in files.items() if _read(out / path) != text)
    yield from _obsolete(out, files)


def _obsolete(out: Path, files: Mapping[str, str]) -> Iterator[str]:
    for path in earlier(out).files:
        inside = not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
        if inside and path not in files and (out / path).is_file():
            yield path


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None


def _stage(staging: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = staging / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        place.chmod(0o644)


def _place(staged: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(path)


def _remove(out: Path, path: Path) -> None:
    path.unlink()
    for folder in path.parents:
        if folder == out or any(folder.iterdir()):
            return
        folder.rmdir()
