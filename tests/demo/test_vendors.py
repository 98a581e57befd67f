"""Vendors are chosen so that each entity that is measured comes from exactly one of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.demo import vendors
from exporter.demo.vendors import VENDORS, choose

README = Path(__file__).parents[2] / "exporter" / "README.md"
MEASURED = ("deals", "leads", "tickets", "calls")


def test_vendors_are_chosen_in_the_order_given_and_each_once() -> None:
    assert [vendor.name for vendor in choose("aircall, hubspot,aircall", MEASURED)] == ["aircall", "hubspot"]


@pytest.mark.parametrize("names", ["", "hubspot,", "hubspotted"])
def test_an_unknown_name_is_told_with_those_that_are_known(names: str) -> None:
    with pytest.raises(ValueError, match="choose from hubspot"):
        choose(names, ())


def test_an_entity_that_two_carry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(VENDORS["hubspot"], name="other", entities=("tickets", "deals"))
    monkeypatch.setattr(vendors, "VENDORS", {**VENDORS, "other": other})
    with pytest.raises(ValueError, match="hubspot and other both carry deals: keep one of them"):
        choose("hubspot,other", MEASURED)


def test_an_entity_that_none_carries_is_told_with_those_who_could() -> None:
    with pytest.raises(ValueError, match="none of them carries calls, which the config measures: add aircall"):
        choose("hubspot", MEASURED)
    with pytest.raises(ValueError, match="add a vendor that does; there is none yet"):
        choose("hubspot", ("surveys",))


def test_an_entity_that_nothing_measures_may_be_carried() -> None:
    assert choose("hubspot,aircall", ("deals",))


def test_vendors_of_one_mount_are_one_account() -> None:
    by_mount = {vendor.mount: vendor.routes for vendor in VENDORS.values()}
    assert all(by_mount[vendor.mount] is vendor.routes for vendor in VENDORS.values())


def test_the_readme_lists_them_with_what_they_carry() -> None:
    section = README.read_text(encoding="utf-8").partition("## The demo")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z][a-z-]+)` \| [^|]+ \| ([a-z, ]+) \|", section, re.MULTILINE)
    assert dict(rows) == {name: ", ".join(vendor.entities) for name, vendor in VENDORS.items()}
