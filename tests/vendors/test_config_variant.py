"""The vendors of the roster, and configs that read from a choice of them."""

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
from tests.vendors.config_variant import KEY, with_addition, with_vendors
from tests.vendors.roster import ADDITIONS, ENTRIES, VENDORS, choose

CONFIG = Path(__file__).parents[2] / "config" / "kpis.yaml"
TEXT = CONFIG.read_text(encoding="utf-8")
STANDARD = "hubspot,aircall"


def write_config(vendors: str, directory: Path) -> Path:
    """Writes the demo's config with these vendors, and its token, to a directory."""
    (directory / KEY).write_bytes(CONFIG.with_name(KEY).read_bytes())
    path = directory / "kpis.yaml"
    path.write_text(with_vendors(TEXT, choose(vendors)), encoding="utf-8")
    return path


def test_the_vendors_of_the_config_leave_it_unchanged() -> None:
    assert with_vendors(TEXT, choose(STANDARD)) == TEXT


def test_another_choice_of_vendors_gives_a_config_that_loads(tmp_path: Path) -> None:
    loaded = load(write_config("aircall,hubspot", tmp_path), {})
    assert [source.provider for source in loaded.config.sources] == ["aircall", "hubspot"]
    assert (loaded.warnings, loaded.config.kpis) == ((), load(CONFIG, {}).config.kpis)


@pytest.mark.parametrize("name", sorted({*VENDORS} - {"stripe"}))
def test_everything_outside_sources_is_unchanged(name: str) -> None:
    before, after = TEXT.split("\nsources:\n")[0], TEXT[TEXT.index("\n# The CRM provides the members of teams.") :]
    variant = with_vendors(TEXT, [VENDORS[name]])
    assert variant.startswith(before)
    assert variant.endswith(after)
    assert f"http://{HOST}:{PORT}{VENDORS[name].mount}" in variant


def test_an_existing_entry_of_a_vendor_is_retained() -> None:
    changed = TEXT.replace("max_per_second: 90", "max_per_second: 1")
    assert "max_per_second: 1\n" in with_vendors(changed, choose("aircall"))


@pytest.mark.parametrize("name", VENDORS)
def test_each_vendor_reads_its_declared_entities(name: str) -> None:
    (entry,) = yaml.safe_load(with_vendors(TEXT, [VENDORS[name]]))["sources"]
    assert {*options(**entry).reads} - {"people"} == {*VENDORS[name].entities}


def test_every_stored_entry_belongs_to_a_vendor() -> None:
    assert {path.stem for folder in (ENTRIES, ADDITIONS) for path in folder.glob("*")} <= set(VENDORS)
    assert set(chain(VENDORS)) >= set(STANDARD.split(","))


def test_vendor_specific_metrics_are_appended_without_warnings(tmp_path: Path) -> None:
    path = write_config(f"{STANDARD},stripe", tmp_path)
    loaded, before = load(path, {}), load(CONFIG, {}).config
    assert (loaded.warnings, problems(loaded.config, REVIEWED)) == ((), ())
    assert loaded.config.kpis[: len(before.kpis)] == before.kpis
    assert [kpi.name for kpi in loaded.config.kpis[len(before.kpis) :]] == [
        "monthly_recurring_revenue", "invoices_paid", "payment_time", "refund_rate",
    ]  # fmt: skip
    assert with_vendors(path.read_text(encoding="utf-8"), choose(f"{STANDARD},stripe")) == path.read_text(
        encoding="utf-8"
    )


def test_the_lines_of_the_config_keep_their_order() -> None:
    lines = with_vendors(TEXT, choose(f"{STANDARD},stripe")).splitlines()
    remaining = iter(lines)
    assert all(line in remaining for line in TEXT.splitlines())


def test_a_section_that_cannot_be_extended_is_reported() -> None:
    with pytest.raises(ValueError, match="no metrics to add to"):
        with_addition("kpis:\n  - {}\n", "metrics:\n  - {}\n")


def test_a_config_without_sources_is_reported() -> None:
    with pytest.raises(ValueError, match="no sources"):
        with_vendors("company: {name: X}\n", choose(STANDARD))


def test_vendors_of_one_mount_share_their_routes() -> None:
    by_mount = {vendor.mount: vendor.routes for vendor in VENDORS.values()}
    assert all(by_mount[vendor.mount] is vendor.routes for vendor in VENDORS.values())
