"""Another choice of vendors changes only the entries under `sources:`."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import yaml

from exporter.config.loader import load
from exporter.config.practice import problems
from exporter.demo.server import HOST, PORT
from tests.demo.test_config import REVIEWED
from tests.sources.source_context import options
from tests.vendors.config_variant import KEY, added, exchanged
from tests.vendors.roster import ADDITIONS, ENTRIES, VENDORS, choose

CONFIG = Path(__file__).parents[2] / "config" / "kpis.yaml"
TEXT = CONFIG.read_text(encoding="utf-8")
STANDARD = "hubspot,aircall"


def written(vendors: str, directory: Path) -> Path:
    """The demo's config with these vendors, beside its token."""
    (directory / KEY).write_bytes(CONFIG.with_name(KEY).read_bytes())
    path = directory / "kpis.yaml"
    path.write_text(exchanged(TEXT, choose(vendors)), encoding="utf-8")
    return path


def test_the_vendors_that_the_config_reads_already_leave_it_as_it_is() -> None:
    assert exchanged(TEXT, choose(STANDARD)) == TEXT


def test_another_choice_of_vendors_gives_a_config_that_loads(tmp_path: Path) -> None:
    loaded = load(written("aircall,hubspot", tmp_path), {})
    assert [source.provider for source in loaded.config.sources] == ["aircall", "hubspot"]
    assert (loaded.warnings, loaded.config.kpis) == ((), load(CONFIG, {}).config.kpis)


@pytest.mark.parametrize("name", sorted({*VENDORS} - {"stripe"}))
def test_everything_outside_sources_stays_the_same_text(name: str) -> None:
    before, after = TEXT.split("\nsources:\n")[0], TEXT[TEXT.index("\n# Who is in which team") :]
    found = exchanged(TEXT, [VENDORS[name]])
    assert found.startswith(before)
    assert found.endswith(after)
    assert f"http://{HOST}:{PORT}{VENDORS[name].mount}" in found


def test_an_existing_entry_of_a_vendor_is_retained() -> None:
    own = TEXT.replace("max_per_second: 90", "max_per_second: 1")
    assert "max_per_second: 1\n" in exchanged(own, choose("aircall"))


@pytest.mark.parametrize("name", VENDORS)
def test_each_vendor_reads_its_declared_entities(name: str) -> None:
    (entry,) = yaml.safe_load(exchanged(TEXT, [VENDORS[name]]))["sources"]
    assert {*options(**entry).reads} - {"people"} == {*VENDORS[name].entities}


def test_every_stored_entry_belongs_to_a_vendor() -> None:
    assert {path.stem for place in (ENTRIES, ADDITIONS) for path in place.glob("*")} <= set(VENDORS)
    assert set(chain(VENDORS)) >= set(STANDARD.split(","))


def test_vendor_specific_metrics_are_appended_without_warnings(tmp_path: Path) -> None:
    path = written(f"{STANDARD},stripe", tmp_path)
    loaded, before = load(path, {}), load(CONFIG, {}).config
    assert (loaded.warnings, problems(loaded.config, REVIEWED)) == ((), ())
    assert loaded.config.kpis[: len(before.kpis)] == before.kpis
    assert [kpi.name for kpi in loaded.config.kpis[len(before.kpis) :]] == [
        "monthly_recurring_revenue", "invoices_paid", "payment_time", "refund_rate",
    ]  # fmt: skip
    assert exchanged(path.read_text(encoding="utf-8"), choose(f"{STANDARD},stripe")) == path.read_text(encoding="utf-8")


def test_every_comment_of_the_config_stays_where_it_was() -> None:
    lines = exchanged(TEXT, choose(f"{STANDARD},stripe")).splitlines()
    kept = iter(lines)
    assert all(line in kept for line in TEXT.splitlines())


def test_a_section_that_cannot_be_extended_is_reported() -> None:
    with pytest.raises(ValueError, match="no metrics to add to"):
        added("kpis:\n  - {}\n", "metrics:\n  - {}\n")


def test_a_config_without_sources_is_reported() -> None:
    with pytest.raises(ValueError, match="no sources"):
        exchanged("company: {name: X}\n", choose(STANDARD))
