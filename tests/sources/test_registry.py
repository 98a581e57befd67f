from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

from exporter.config.sources import AnySource
from exporter.sources.providers.csv import CsvSource
from exporter.sources.registry import PROVIDERS, create
from tests.sources.source_context import options, source_context


def configurable() -> set[str]:
    members = get_args(get_args(AnySource)[0])
    return {get_args(member.model_fields["provider"].annotation)[0] for member in members}


def test_every_provider_of_the_config_can_be_created() -> None:
    assert configurable() == {*PROVIDERS, "push"}, "push is an inbox and reads nothing"


@pytest.mark.parametrize("module", PROVIDERS.values())
def test_every_provider_has_a_module_that_creates_a_source(module: str) -> None:
    assert callable(import_module(module).create)


def test_a_source_is_created_by_its_provider(tmp_path: Path) -> None:
    csv_options = options(provider="csv", path="a.csv", entity="deals", columns={"id": "Id"})
    assert isinstance(create(csv_options, source_context(base=tmp_path)), CsvSource)


def test_a_provider_is_imported_only_when_it_is_needed() -> None:
    code = "import sys, exporter.sources.registry; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
