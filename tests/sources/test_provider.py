"""The frame and the rules that all providers share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporter.config.sources.stripe import StripeOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.sources.http.client import ApiResponse
from exporter.sources.provider import (
    ProviderSource,
    attributes,
    error_body,
    people_first,
    record_id,
    required,
    rows_under,
    seconds_until_midnight,
)
from tests.sources.source_context import source_context


def test_people_are_read_first_and_the_other_entities_in_the_order_of_the_config() -> None:
    assert people_first(("tickets", "calls", "people", "surveys")) == ("people", "tickets", "calls", "surveys")


class _Source(ProviderSource[StripeOptions]):
    default_lookback = timedelta(minutes=10)

    @property
    def lookback(self) -> timedelta:
        return self._lookback


@pytest.mark.parametrize(("option", "lookback"), [(None, 600), ("0s", 0), ("1h", 3600)])
def test_the_lookback_is_the_providers_unless_the_config_has_one(option: str | None, lookback: int) -> None:
    options = StripeOptions.model_validate(
        {"name": "billing", "provider": "stripe", "key": {"env": "KEY"}, "lookback": option}
    )
    assert _Source(options, source_context(None)).lookback == timedelta(seconds=lookback)


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ""}, {"id": " "}])
def test_a_row_without_an_id_is_rejected(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        record_id(row)
    assert (raised.value.reason, raised.value.field) == (Reason.MISSING_FIELD, "id")


def test_an_id_is_text() -> None:
    assert (record_id({"id": 17}), record_id({"Id": " 00Q1 "}, "Id")) == ("17", "00Q1")


def test_attributes_are_the_values_that_are_not_empty() -> None:
    assert attributes({"level": 3, "vip": True, "region": " ", "score": None}) == {"level": "3", "vip": "true"}


@pytest.mark.parametrize("body", [None, [], {}, {"calls": None}, {"calls": {}}])
def test_a_response_without_its_list_is_rejected(body: object) -> None:
    with pytest.raises(SourceRejectedError, match="the response has no calls") as raised:
        rows_under(ApiResponse(200, {}, body), "calls")
    assert raised.value.reason is Reason.SCHEMA


def test_an_error_response_that_is_not_json_has_no_body() -> None:
    assert (error_body(b'{"code": 7}'), error_body(b"<html>")) == ({"code": 7}, None)


@pytest.mark.parametrize(("zone", "hours"), [("UTC", 1), ("Europe/Zurich", 24), ("America/New_York", 6)])
def test_a_daily_limit_is_reset_at_midnight_in_its_zone(zone: str, hours: int) -> None:
    now = datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert seconds_until_midnight(now, ZoneInfo(zone)) == hours * 3600


def test_a_missing_option_that_validation_guarantees_is_a_mistake_of_ours() -> None:
    assert required("option") == "option"
    with pytest.raises(AssertionError):
        required(None)
