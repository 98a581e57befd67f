"""What is common to HubSpot's payloads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Deal
from exporter.sources.providers.hubspot.shape import identity
from tests.sources.providers.hubspot.rows import row, shape


def test_the_change_time_of_the_row_stands_in_for_a_missing_property() -> None:
    bare = row()
    bare["properties"] = {}
    assert shape().common(bare)["updated_at"] == datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("bare", [{}, {"id": None}, {"id": ""}, {"id": " "}])
def test_a_row_without_an_id_is_rejected(bare: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        identity(bare)
    assert raised.value.reason is Reason.MISSING_FIELD


def test_a_number_for_an_id_is_a_text() -> None:
    assert identity({"id": 17}) == "17"


@pytest.mark.parametrize("properties", [None, {}])
def test_a_tombstone_needs_nothing_but_an_id(properties: dict[str, Any] | None) -> None:
    found = shape().tombstone({"id": "9", "properties": properties, "archived": True}, Deal)
    assert found == Deal(id="9", deleted=True)
