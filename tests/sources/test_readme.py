"""The README's worked example runs, and every provider has its page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from exporter.sources.registry import PROVIDERS
from tests.sources.source_context import pages_of, run, source_context

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "exporter/sources/README.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```python\n# (\S+\.py)\n(.*?)```", TEXT, re.DOTALL))
MODULES = ("exporter/config/sources/tidydesk.py", "exporter/sources/tidydesk.py", "tests/sources/test_tidydesk.py")


def load(path: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    name = path.removesuffix(".py").replace("/", ".")
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(BLOCKS[path], path, "exec"), module.__dict__)
    return module


def test_the_example_provider_passes_its_own_test(monkeypatch: pytest.MonkeyPatch) -> None:
    *_, test = [load(path, monkeypatch) for path in MODULES]
    test.test_tickets_are_read_to_the_end()


def test_the_example_waits_as_its_vendor_asks_and_names_a_missing_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    config, provider, test = [load(path, monkeypatch) for path in MODULES]
    options = config.TidydeskOptions(name="desk", provider="tidydesk", token={"env": "TOKEN"})

    def create(answer: httpx.Response) -> object:
        return provider.create(options, source_context(httpx.MockTransport(lambda _: answer), TOKEN="sesame"))

    forbidden = create(httpx.Response(403, json={}))
    assert [access.missing for access in run(forbidden.check())] == ["the scope tickets:read"]  # type: ignore[attr-defined]
    empty = create(httpx.Response(200, json={"tickets": [], "next": None}))
    (page,) = run(pages_of(empty, cursor="2026-02-01T09:00:00+00:00"))  # type: ignore[arg-type]
    assert (page.cursor, page.listing) == ("2026-02-01T09:00:00+00:00", None)
    assert provider.header_wait({"x-quota-left": "0", "x-quota-reset": "9"}) == 9
    assert test.TICKET["id"] == 7


def test_the_example_is_written_as_the_project_is() -> None:
    for path in MODULES:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", "check", "--ignore=I001", "--stdin-filename", path, "-"],
            input=BLOCKS[path],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_the_line_for_the_registry_has_the_registrys_form() -> None:
    name, module = re.fullmatch(r'"(\w+)": "([\w.]+)",\n', BLOCKS["exporter/sources/registry.py"]).groups()  # type: ignore[union-attr]
    assert f"{module.replace('.', '/')}.py" in MODULES
    assert name == "tidydesk"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_has_its_page(provider: str) -> None:
    pages = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))
    assert provider in pages
    for heading in ("Permissions", "Reads", "Calls per sync", "Deletions", "Known limits"):
        assert heading in pages[provider], heading
    if provider != "push":  # which is asked of nobody
        calls = re.search(r"^\| Calls per sync \|(.*)$", pages[provider], re.MULTILINE)
        assert calls
        assert " day" in calls[1], "how many calls that makes a day"


def test_what_the_readme_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / "exporter/sources" / target).exists(), target
