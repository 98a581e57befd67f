"""`demo`: its company, its companions and its config."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from exporter.commands import demo
from exporter.config.root import Config
from exporter.demo.server import DemoServer
from exporter.errors import StartError
from tests.command_line import Typed


def test_the_demo_brings_its_company_its_companions_and_its_addresses(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(demo, "launch", lambda *_: DemoServer("127.0.0.1", 9941, lambda: told.append("company ended")))
    here = EntryPoint("beside", "tests.commands.test_demo:companion", demo.COMPANIONS)
    missing = EntryPoint("missing", "no_such_library:begin", demo.COMPANIONS)
    monkeypatch.setattr(demo, "entry_points", lambda group: [missing, here] if group == demo.COMPANIONS else [])

    class Brief:
        """An app that is ready and ends."""

        def __init__(self, settings: Any, *_: Any, **__: Any) -> None:
            told.append(str(settings.data_dir))

        def run(self, ready: Callable[[str], None]) -> None:
            ready("http://127.0.0.1:1")

    monkeypatch.setattr(demo, "App", Brief)
    done = typed("demo", "--data-dir", tmp_path / "kept")
    assert done.code == 0
    assert told == [str(tmp_path / "kept" / "store"), "company ended"]
    assert "http://127.0.0.1:1/metrics" in done.err
    assert re.search(r"dashboards +http://beside", done.err)
    assert typed("demo").code == 0
    assert not Path(told[2]).parent.exists()


@contextmanager
def companion(config: Config, address: str, directory: Path, history: Any) -> Iterator[dict[str, str]]:
    """What runs beside the demo."""
    assert config.company.name == "Alpenwerk"
    assert callable(history)
    assert address.startswith("http://")
    assert directory.is_dir()
    yield {"dashboards": "http://beside"}


def test_only_the_companys_apis_can_be_asked_for(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(demo, "main", lambda *where: asked.append(where))
    assert typed("demo", "--apis-only", "--listen", "127.0.0.1:9").code == 0
    assert asked == [("127.0.0.1", 9)]


def test_the_demos_config_is_found_or_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert demo.demo_config().name == "kpis.yaml"
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(StartError, match=r"config/kpis\.yaml"):
        demo.demo_config()
