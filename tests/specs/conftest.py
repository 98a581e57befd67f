"""The documents that several tests share, each parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.specs.exchanges import ApiDocuments
from tests.specs.specification import OFFICIAL, ORIGINS
from tests.specs.stripe import stripe_objects


@pytest.fixture(scope="session", params=ORIGINS)
def origin(request: pytest.FixtureRequest) -> str:
    """Where the documents of a test come from: the project's own shapes or, as an extra, the official files."""
    return str(request.param)


@pytest.fixture(scope="session")
def stripe_documents(origin: str) -> ApiDocuments:
    """Stripe's documents. The official one describes an older version; `objects` has the fields added since."""
    return ApiDocuments.from_origin("stripe", origin)


@pytest.fixture(scope="session")
def objects(origin: str) -> Mapping[str, Any]:
    """One object of each kind, as the current version of Stripe's API returns it."""
    return stripe_objects(origin)


@pytest.fixture(scope="session")
def official_objects() -> Mapping[str, Any]:
    """Stripe's official fixtures: one object of each kind, as the current version of the API returns it."""
    return stripe_objects(OFFICIAL)
