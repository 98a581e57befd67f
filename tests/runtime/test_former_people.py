"""The looks for former people of a running process."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.clock import system_clock
from exporter.runtime.config_file import read_config
from exporter.runtime.engine import EngineContext
from exporter.runtime.former_people import FormerPeople
from tests.runtime.test_reload import config, context, create_reloader, engines

__all__ = ["config", "context", "engines"]


def test_a_look_that_finds_nobody_interrupts_nothing_and_a_failed_one_says_so(
    context: EngineContext, config: Path, engines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    config.write_text(f"{config.read_text()}privacy: {{keep_people: 30d}}\n")
    reloader = create_reloader(context, config)
    people = FormerPeople(context.store, reloader, system_clock)
    assert not people.look(), "no config is active yet"
    assert "former people keep their names for now" in caplog.text
    reloader.start(read_config(config, {}), b"")
    assert people.look()
    assert engines == ["start"]
    context.store.close()
    assert not people.look()
