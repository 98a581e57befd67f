"""The output folder: writes generated files all or nothing, and removes files that are no longer generated.

`manifest.json` lists the generated files and Grafana objects, so that the next run can remove files and have Grafana
delete objects that are obsolete.
"""

from __future__ import annotations

import difflib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath

from dashboards.encoding import json_text
from exporter.errors import ExporterError

MANIFEST = "manifest.json"
_STAGING = ".staging-"


class StaleOutputError(ExporterError):
    """The files on disk differ from what the config generates. `paths` lists them."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.paths = paths
        count = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
        super().__init__(f"{count} out of date, run kpi-exporter generate: {', '.join(paths)}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Generated files and Grafana objects. `gone_...` are objects of earlier runs that are no longer generated."""

    files: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    contact_points: tuple[str, ...] = ()
    mute_timings: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    gone_rules: tuple[str, ...] = ()
    gone_contact_points: tuple[str, ...] = ()
    gone_mute_timings: tuple[str, ...] = ()
    gone_templates: tuple[str, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> Manifest:
        """The manifest in a file; an empty one if the text is not a manifest."""
        try:
            content = json.loads(text)
            return cls(**{field.name: tuple(map(str, content.get(field.name, ()))) for field in fields(cls)})
        except (ValueError, AttributeError, TypeError):
            return cls()

    def to_text(self) -> str:
        """The content of the manifest file."""
        return json_text({field.name: sorted(getattr(self, field.name)) for field in fields(self)})

    def after(self, earlier: Manifest) -> Manifest:
        """This manifest, with the objects that only earlier runs generated listed as gone."""
        gone = {}
        for kind in ("rules", "contact_points", "mute_timings", "templates"):
            generated_earlier = {*getattr(earlier, kind), *getattr(earlier, f"gone_{kind}")}
            gone[f"gone_{kind}"] = tuple(sorted(generated_earlier - set(getattr(self, kind))))
        return replace(self, **gone)


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Paths of the files that changed on disk."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def read_manifest(out: Path) -> Manifest:
    """The manifest of the last run; an empty one if there is none."""
    return Manifest.from_text(_read(out / MANIFEST) or "")


def write_files(out: Path, files: Mapping[str, str]) -> WriteResult:
    """Brings the folder to `files` (path to text). If they do not fit on disk, raises OSError and changes nothing.

    All files are staged first, then renamed one by one, so that a reader, or a kill in between, sees each file whole,
    old or new. Removes files of an earlier run that are no longer generated, and no others. Writes the manifest last,
    so that a run after a kill completes the work.
    """
    out.mkdir(parents=True, exist_ok=True)
    for leftover in out.glob(f"{_STAGING}*"):
        shutil.rmtree(leftover)
    stale = {path: text for path, text in files.items() if _read(out / path) != text}
    new = tuple(path for path in stale if not (out / path).exists())
    obsolete = tuple(_obsolete(out, files))
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=out))
    try:
        for path, text in stale.items():
            _stage(staging / path, text)
        for path in stale:
            if path != MANIFEST:
                _move(staging / path, out / path)
        for path in obsolete:
            _remove(out, out / path)
        if MANIFEST in stale:
            _move(staging / MANIFEST, out / MANIFEST)
    finally:
        shutil.rmtree(staging)
    return WriteResult(new, tuple(path for path in stale if path not in new), obsolete)


def diff_files(out: Path, files: Mapping[str, str]) -> str:
    """A unified diff from the folder to `files`; empty if they are the same."""
    lines: list[str] = []
    for path in _stale(out, files):
        before, after = _read(out / path) or "", files.get(path, "")
        lines += difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), f"on disk/{path}", f"generated/{path}"
        )
    return "".join(lines)


def require_current(out: Path, files: Mapping[str, str]) -> None:
    """Raises StaleOutputError if the folder differs from `files`."""
    if stale := tuple(_stale(out, files)):
        raise StaleOutputError(stale)


def _stale(out: Path, files: Mapping[str, str]) -> Iterator[str]:
    yield from (path for path, text in files.items() if _read(out / path) != text)
    yield from _obsolete(out, files)


def _obsolete(out: Path, files: Mapping[str, str]) -> Iterator[str]:
    for path in read_manifest(out).files:
        inside = not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
        if inside and path not in files and (out / path).is_file():
            yield path


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None


def _stage(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)


def _move(staged: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(path)


def _remove(out: Path, path: Path) -> None:
    path.unlink()
    for folder in path.parents:
        if folder == out or any(folder.iterdir()):
            return
        folder.rmdir()
