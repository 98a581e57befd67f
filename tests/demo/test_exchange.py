"""Another choice of vendors changes the entries under `sources:` and nothing else."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import yaml

from exporter.config.loader import load
from exporter.demo.exchange import exchanged, written
from exporter.demo.server import HOST, PORT
from exporter.demo.vendors import ENTRIES, VENDORS, choose
from tests.sources.around import options

CONFIG = Path(__file__).parents[2] / "config" / "kpis.yaml"
TEXT = CONFIG.read_text(encoding="utf-8")
STANDARD = "hubspot,aircall"


def test_the_vendors_that_the_config_reads_already_leave_it_as_it_is(tmp_path: Path) -> None:
    assert written(CONFIG, choose(STANDARD, ()), tmp_path) == CONFIG
    assert not list(tmp_path.iterdir())


def test_another_order_or_choice_is_a_config_of_its_own_that_loads(tmp_path: Path) -> None:
    path = written(CONFIG, choose("aircall,hubspot", ()), tmp_path)
    loaded = load(path, {})
    assert path.parent == tmp_path
    assert [source.provider for source in loaded.config.sources] == ["aircall", "hubspot"]
    assert (loaded.warnings, loaded.config.kpis) == ((), load(CONFIG, {}).config.kpis)


def test_a_config_in_the_same_directory_is_not_overwritten(tmp_path: Path) -> None:
    config = tmp_path / "kpis.yaml"
    config.write_text(TEXT, encoding="utf-8")
    (tmp_path / "demo-token").write_text("demo\n", encoding="utf-8")
    assert written(config, choose("aircall,hubspot", ()), tmp_path) != config
    assert config.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize("name", VENDORS)
def test_all_that_surrounds_the_sources_stays_the_same_text(name: str) -> None:
    before, after = TEXT.split("\nsources:\n")[0], TEXT[TEXT.index("\n# Who is in which team") :]
    found = exchanged(TEXT, [VENDORS[name]])
    assert found.startswith(before)
    assert found.endswith(after)
    assert f"http://{HOST}:{PORT}{VENDORS[name].mount}" in found


def test_what_a_config_says_of_a_vendor_itself_is_kept() -> None:
    own = TEXT.replace("max_per_second: 90", "max_per_second: 1")
    assert "max_per_second: 1\n" in exchanged(own, choose("aircall", ()))


@pytest.mark.parametrize("name", VENDORS)
def test_each_vendor_reads_what_it_is_said_to_carry(name: str) -> None:
    (entry,) = yaml.safe_load(exchanged(TEXT, [VENDORS[name]]))["sources"]
    assert set(options(**entry).reads) == {"people", *VENDORS[name].entities}


def test_every_entry_that_is_kept_is_a_vendors() -> None:
    assert {path.stem for path in ENTRIES.glob("*")} <= set(VENDORS)
    assert set(chain(VENDORS)) >= set(STANDARD.split(","))


def test_a_config_without_sources_is_told() -> None:
    with pytest.raises(ValueError, match="no sources"):
        exchanged("company: {name: X}\n", choose(STANDARD, ()))
