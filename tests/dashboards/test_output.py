"""The output folder is written all or nothing, and obsolete files are removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dashboards.output import (
    MANIFEST,
    Manifest,
    StaleOutputError,
    diff_files,
    read_manifest,
    require_current,
    write_files,
)


def files(**texts: str) -> dict[str, str]:
    texts_by_path = {path.replace("__", "/"): text for path, text in texts.items()}
    return {**texts_by_path, MANIFEST: Manifest(files=tuple(sorted(texts_by_path))).to_text()}


def on_disk(out: Path) -> dict[str, str]:
    return {str(p.relative_to(out)): p.read_text() for p in out.rglob("*") if p.is_file()}


def test_the_result_lists_new_changed_and_removed_files(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    first = write_files(out, files(a="1", b__c="2"))
    assert (first.new, first.changed, first.removed) == (("a", "b/c", MANIFEST), (), ())
    second = write_files(out, files(a="1", b__c="3"))
    assert (second.new, second.changed, second.removed) == ((), ("b/c",), ())
    assert on_disk(out) == files(a="1", b__c="3")


def test_an_obsolete_file_is_removed_with_its_empty_folder(tmp_path: Path) -> None:
    write_files(tmp_path, files(a="1", b__c__d="2"))
    (tmp_path / "mine").write_text("left alone")
    assert write_files(tmp_path, files(a="1")).removed == ("b/c/d",)
    assert on_disk(tmp_path) == {**files(a="1"), "mine": "left alone"}
    assert not (tmp_path / "b").exists()


def test_a_manifest_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.write_text("stays")
    out = tmp_path / "out"
    out.mkdir()
    (out / MANIFEST).write_text(Manifest(files=("../precious", str(outside))).to_text())
    assert write_files(out, files(a="1")).removed == ()
    assert outside.read_text() == "stays"


def test_without_a_readable_manifest_the_folder_counts_as_new(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == Manifest()
    for text in ("not json", "[]", '{"files": 5}', "{}"):
        (tmp_path / MANIFEST).write_text(text)
        assert read_manifest(tmp_path) == Manifest()


def test_a_full_disk_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, files(a="1", b="2"))
    before = on_disk(tmp_path)
    calls = 0

    def fail_at_the_second(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail_at_the_second)
    with pytest.raises(OSError, match="No space left"):
        write_files(tmp_path, files(a="new", b="new", c="new"))
    assert on_disk(tmp_path) == before


@pytest.mark.parametrize("survived", range(6))
def test_a_kill_at_any_rename_leaves_whole_files_and_the_next_run_completes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    old, new = files(a="old a", b="old b", gone="old"), files(a="new a", b="new b", c="new c")
    write_files(tmp_path, old)
    real, remaining = Path.replace, [survived]

    def replace_or_die(self: Path, target: Path) -> Path:
        if not remaining[0]:
            raise KeyboardInterrupt
        remaining[0] -= 1
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_die)
        patched.setattr(shutil, "rmtree", lambda *_: None)
        if survived < 4:
            with pytest.raises(KeyboardInterrupt):
                write_files(tmp_path, new)
        else:
            write_files(tmp_path, new)
    for path, text in on_disk(tmp_path).items():
        if not path.startswith(".staging"):
            assert text in (old.get(path), new.get(path)), path
    write_files(tmp_path, new)
    assert on_disk(tmp_path) == new


def test_files_can_be_read_by_other_users(tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        write_files(tmp_path, files(a="1"))
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_unchanged_files_are_not_touched(tmp_path: Path) -> None:
    write_files(tmp_path, files(a="1"))
    os.utime(tmp_path / "a", (1, 1))
    write_files(tmp_path, files(a="1", b="2"))
    assert (tmp_path / "a").stat().st_mtime == 1


def test_a_difference_is_shown_and_rejected(tmp_path: Path) -> None:
    write_files(tmp_path, files(a="one\ntwo\n", gone="x\n"))
    changed = files(a="one\n2\n", new="y\n")
    diff = diff_files(tmp_path, changed)
    for line in ("--- on disk/a", "+++ generated/a", "-two", "+2", "+y", "-x"):
        assert f"{line}\n" in diff
    with pytest.raises(StaleOutputError, match="4 files are out of date") as refused:
        require_current(tmp_path, changed)
    assert refused.value.paths == ("a", "new", MANIFEST, "gone")


def test_without_a_difference_the_diff_is_empty(tmp_path: Path) -> None:
    write_files(tmp_path, files(a="1"))
    assert diff_files(tmp_path, files(a="1")) == ""
    require_current(tmp_path, files(a="1"))


def test_a_file_edited_by_hand_is_out_of_date(tmp_path: Path) -> None:
    write_files(tmp_path, files(a="1"))
    (tmp_path / "a").write_bytes(b"\xff\xfe")
    with pytest.raises(StaleOutputError, match="1 file is out of date"):
        require_current(tmp_path, files(a="1"))
