"""The vendors whose APIs can replace the demo's own."""

from __future__ import annotations

from tests.vendors.roster import VENDORS


def test_vendors_of_one_mount_are_one_account() -> None:
    by_mount = {vendor.mount: vendor.routes for vendor in VENDORS.values()}
    assert all(by_mount[vendor.mount] is vendor.routes for vendor in VENDORS.values())
