"""Every provider has a page with the same headings, and what is generated of it is up to date."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from tests.docs.provider_pages import INDEX, PAGE_MODULES, PAGES, ROOT, updated_pages, with_generated
from tests.sources.source_context import options

DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "exporter/sources/README.md"])


def page(provider: str) -> str:
    return (PAGES / f"{provider}.md").read_text(encoding="utf-8")


def test_the_generated_parts_are_up_to_date() -> None:
    for path, expected in updated_pages().items():
        if os.environ.get("UPDATE_GOLDENS"):
            path.write_text(expected, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == expected, f"{path}: make generate writes it"


def test_there_is_a_page_for_each_provider_and_no_other() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} - {INDEX.stem} == set(PAGE_MODULES)


@pytest.mark.parametrize("provider", PAGE_MODULES)
def test_every_page_says_what_its_reader_must_know(provider: str) -> None:
    text = page(provider)
    assert text.startswith(f"# {provider}\n")
    for heading in ("Permissions", "Reads", "Calls per sync", "Deletions", "Lookback"):
        assert re.search(rf"^\| {heading} \| .+\|$", text, re.MULTILINE), heading
    for heading in ("Entities and columns", "Options", "Known limits"):
        assert re.search(rf"^## {heading}$", text, re.MULTILINE), heading
    if provider != "push":  # nothing is requested from a vendor
        calls = re.search(r"^\| Calls per sync \|(.*)$", text, re.MULTILINE)
        assert calls
        assert " day" in calls[1], "how many calls that makes a day"


@pytest.mark.parametrize("provider", PAGE_MODULES)
def test_the_sources_that_a_page_shows_are_valid(provider: str) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", page(provider), re.DOTALL)
    for source in yaml.safe_load(block)["sources"]:
        assert options(**source).provider == provider


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_a_page_without_a_place_for_the_generated_part_is_an_error(tmp_path: Path) -> None:
    bare = tmp_path / "page.md"
    bare.write_text("# bare\n")
    with pytest.raises(ValueError, match="0 generated parts"):
        with_generated(bare, "")
