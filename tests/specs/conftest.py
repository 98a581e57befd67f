"""The documents that several tests read, each parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.specs.recorded import Vendor
from tests.specs.specification import OFFICIAL, ORIGINS
from tests.specs.stripe import stripe_objects


@pytest.fixture(scope="session", params=ORIGINS)
def origin(request: pytest.FixtureRequest) -> str:
    """Where the documents of a test come from: the project's own shapes or, as an extra, official files."""
    return str(request.param)


@pytest.fixture(scope="session")
def stripe(origin: str) -> Vendor:
    """Stripe's documents. The official one is of an older version; the objects show what came later."""
    return Vendor.of_origin("stripe", origin)


@pytest.fixture(scope="session")
def objects(origin: str) -> Mapping[str, Any]:
    """One object of each kind, as today's version of Stripe's API writes it."""
    return stripe_objects(origin)


@pytest.fixture(scope="session")
def today() -> Mapping[str, Any]:
    """Stripe's official fixtures: one object of each kind, as today's version of the API writes it."""
    return stripe_objects(OFFICIAL)
