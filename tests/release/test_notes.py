"""Release notes are the changelog's section of the version."""

from __future__ import annotations

import pytest

from tests.release.notes import CHANGELOG, release_notes

TEXT = """\
# Changelog

## Unreleased

## [0.2.0] - 2026-11-29

### Added

- A command that takes
  two lines to explain.
- Another.

## 0.1.0

- First.
"""


def test_the_notes_are_the_section_with_one_line_for_each_change() -> None:
    assert release_notes(TEXT, "0.2.0") == "### Added\n\n- A command that takes two lines to explain.\n- Another.\n"
    assert release_notes(TEXT, "0.1.0") == "- First.\n"


@pytest.mark.parametrize(("version", "message"), [("9.9.9", "only Unreleased, 0.2.0, 0.1.0"), ("Unreleased", "empty")])
def test_a_version_without_changes_is_an_error(version: str, message: str) -> None:
    with pytest.raises(LookupError, match=message):
        release_notes(TEXT, version)


def test_the_project_has_notes_for_what_is_not_released_yet() -> None:
    assert release_notes(CHANGELOG.read_text(encoding="utf-8"), "Unreleased").startswith("###")
