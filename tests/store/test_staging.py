"""Values of every kind reach the store unchanged, or are rejected before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.passes import Page
from exporter.records import Call, Deal
from exporter.store.staging import payload, payload_structure
from exporter.store.store import Store
from tests.store.samples import NOW, rows


def parsed_payload(entity: str, *records: Any) -> dict[str, Any]:
    return orjson.loads(payload(entity, records))


def test_a_page_is_a_list_per_column() -> None:
    content = parsed_payload("deals", Deal(id="1", name="a"), Deal(id="2", name=None))
    assert content["id"] == ["1", "2"]
    assert content["name"] == ["a", None]
    assert content["deleted"] == [False, False]


def test_a_column_without_values_is_null() -> None:
    assert parsed_payload("deals", Deal(id="1"), Deal(id="2"))["amount"] is None


def test_the_structure_names_every_column_but_the_source() -> None:
    structure = orjson.loads(payload_structure("deals"))
    assert "source" not in structure
    assert structure["amount"] == ["DECIMAL(24,6)"]
    assert list(structure) == list(parsed_payload("deals", Deal(id="1")))


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(0)), ZoneInfo("Europe/Zurich"), timezone(timedelta(hours=-9, minutes=-30))]
)
def test_instants_become_utc(tmp_path: Path, zone: Any) -> None:
    instant = datetime(2025, 7, 1, 2, 30, 0, 123456, tzinfo=zone)
    stored = stored_row(tmp_path, Deal(id="1", created_at=instant, updated_at=instant), "created_at, updated_at")
    assert stored == (instant.astimezone(UTC).replace(tzinfo=None),) * 2


def test_an_instant_without_a_time_zone_is_rejected() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        payload("deals", [Deal(id="1", created_at=datetime(2025, 7, 1))])  # noqa: DTZ001 - that is the case


@pytest.mark.parametrize(
    "amount", ["0.1", "1E+3", "-999999999999999.999999", "0", "0.000001", "9007199254740993"], ids=str
)
def test_money_is_exact(tmp_path: Path, amount: str) -> None:
    assert stored_row(tmp_path, Deal(id="1", amount=Decimal(amount)), "amount") == (Decimal(amount),)


def test_attributes_are_json_in_a_fixed_order(tmp_path: Path) -> None:
    one = stored_row(tmp_path / "one", Deal(id="1", attributes={"b": "2", "a": 'x"y'}), "attributes")
    two = stored_row(tmp_path / "two", Deal(id="1", attributes={"a": 'x"y', "b": "2"}), "attributes")
    assert one == two == ('{"a":"x\\"y","b":"2"}',)
    assert stored_row(tmp_path / "none", Deal(id="1"), "attributes") == ("{}",)


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    record = Deal(id="a\ud800", name="b\udfff", attributes={"k\ud800": "v\ud800"})
    stored = stored_row(tmp_path, record, "id, name, attributes")
    assert stored == ("a\ufffd", "b\ufffd", '{"k\ufffd":"v\ufffd"}')


def test_a_value_of_an_unknown_type_is_rejected() -> None:
    with pytest.raises(TypeError):
        payload("deals", [Deal(id="1", name=object())])  # type: ignore[arg-type]


def test_numbers_and_flags_are_stored_unchanged(tmp_path: Path) -> None:
    record = Call(id="1", talk_seconds=1.5, satisfaction=4, resolved=False)
    assert stored_row(tmp_path, record, "talk_seconds, satisfaction, resolved, queue", "calls") == (
        1.5,
        4.0,
        False,
        None,
    )


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_is_stored(texts: list[str]) -> None:
    names = orjson.loads(payload("deals", [Deal(id="1", name=text) for text in texts]))["name"]
    assert names == texts


def stored_row(folder: Path, record: Any, columns: str, entity: str = "deals") -> Any:
    """The stored row of the record."""
    store = Store.open(folder)
    try:
        store.stage(store.begin("crm", entity, NOW), "crm", Page((record,)))
        store.publish("crm", entity)
        (row,) = rows(store, columns, entity)
    finally:
        store.close()
    return row
