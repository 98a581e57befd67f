"""The official files that several tests read, each parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.programs import shared
from tests.specs.specification import Specification, load
from tests.specs.stripe import VERSION


@pytest.fixture(scope="session")
def stripe() -> Specification:
    """Stripe's file of an older version; what came later, the fixtures show."""
    return load("stripe", f"spec3-{VERSION}.json")


@pytest.fixture(scope="session")
def today() -> Mapping[str, Any]:
    """Stripe's fixtures: one object of each kind, as the version of today writes it."""
    found: Mapping[str, Any] = orjson.loads(shared("specs", "stripe", "fixtures3.json").read_bytes())["resources"]
    return found
