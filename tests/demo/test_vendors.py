"""Vendors are chosen so that each entity that is measured comes from exactly one of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.demo import vendors
from exporter.demo.vendors import VENDORS, choose

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
