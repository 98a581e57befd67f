from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import InvalidRecordError, Reason
from exporter.sources.parsing.timestamps import instant, parser

ZURICH = ZoneInfo("Europe/Zurich")
NEW_YORK = ZoneInfo("America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def read(value: Any, *formats: str, zone: ZoneInfo = ZURICH) -> datetime | None:
    return instant(value, "started_at", zone, formats)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-07-01T12:00:00Z", utc(2026, 7, 1, 12)),
        ("2026-07-01T12:00:00.123Z", utc(2026, 7, 1, 12, 0, 0, 123000)),
        ("2026-07-01T12:00:00.123456789+00:00", utc(2026, 7, 1, 12, 0, 0, 123456)),
        ("2026-07-01T12:00:00+02:00", utc(2026, 7, 1, 10)),
        ("2026-07-01T12:00:00-0430", utc(2026, 7, 1, 16, 30)),
        (" 2026-07-01 12:00:00 ", utc(2026, 7, 1, 10)),
        ("2026-01-01T12:00:00", utc(2026, 1, 1, 11)),
        ("2026-07-01", utc(2026, 6, 30, 22)),
        ("20260701", utc(2026, 6, 30, 22)),
        (1_772_442_000, utc(2026, 3, 2, 9)),
        (1_772_442_000.5, utc(2026, 3, 2, 9, 0, 0, 500000)),
        (1_772_442_000_123, utc(2026, 3, 2, 9, 0, 0, 123000)),
        (1_772_442_000_123_456, utc(2026, 3, 2, 9, 0, 0, 123456)),
        (Decimal(1772442000123), utc(2026, 3, 2, 9, 0, 0, 123000)),
        ("1772442000", utc(2026, 3, 2, 9)),
        ("1772442000123", utc(2026, 3, 2, 9, 0, 0, 123000)),
        ("1772442000123456", utc(2026, 3, 2, 9, 0, 0, 123456)),
        ("1772442000.25", utc(2026, 3, 2, 9, 0, 0, 250000)),
        (utc(2026, 7, 1, 12).replace(tzinfo=None), utc(2026, 7, 1, 10)),
        (datetime(2026, 7, 1, 12, tzinfo=NEW_YORK), utc(2026, 7, 1, 16)),
    ],
)
def test_an_instant_is_utc_however_it_was_written(value: Any, expected: datetime) -> None:
    result = read(value)
    assert result == expected
    assert result.tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "value",
    [
        None, "", "  ", 0, 0.0, "0", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000+00:00", "0000-00-00",
        "0000-00-00 00:00:00", "0001-01-01T00:00:00", "9999-12-31", "9999-12-31T23:59:59Z",
    ],
)  # fmt: skip
def test_every_convention_for_unset_is_none(value: Any) -> None:
    assert read(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "yesterday", "2026-13-01", "2026-02-30", "31.12.2026", "12/31/2026", "2026-07-01T25:00:00", "12345", "20261301",
        "20260701093000", 12345, 20260701, -5, 1e30, float("nan"), float("inf"), True, False, [2026], {"at": 1},
        b"2026", "1899-12-31", "2500-01-01", 10**17, "9" * 400, 10**400, "٢٠٢٦-٠٧-٠١",
    ],
)  # fmt: skip
def test_an_ambiguous_time_is_rejected(value: Any) -> None:
    with pytest.raises(InvalidRecordError) as caught:
        read(value)
    assert (caught.value.reason, caught.value.field) == (Reason.BAD_TIME, "started_at")


@pytest.mark.parametrize(
    ("value", "formats", "expected"),
    [
        ("01-02-2021 09:12:58", ("%m-%d-%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"), utc(2021, 1, 2, 8, 12, 58)),
        ("1/13/2021 09:12:58", ("%m-%d-%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"), utc(2021, 1, 13, 8, 12, 58)),
        ("3/1/2017", ("%m/%d/%Y",), utc(2017, 2, 28, 23)),
        ("01.03.2017", ("%d.%m.%Y",), utc(2017, 2, 28, 23)),
        ("12:30 01.03.2017", ("%H:%M %d.%m.%Y",), utc(2017, 3, 1, 11, 30)),
        ("1 Mar 2017 14:00 +0100", ("%d %b %Y %H:%M %z",), utc(2017, 3, 1, 13)),
        ("30 01.03.2017", ("%S %d.%m.%Y",), utc(2017, 2, 28, 23, 0, 30)),
        ("1 Mar 2017", ("%d %b %Y",), utc(2017, 2, 28, 23)),
        ("03/17", ("%m/%y",), utc(2017, 2, 28, 23)),
        ("100% 2017-03-01", ("100%% %Y-%m-%d",), utc(2017, 2, 28, 23)),
        (1488366000, ("epoch",), utc(2017, 3, 1, 11)),
        ("1488366000", ("%Y", "epoch"), utc(2017, 3, 1, 11)),
        (-86400, ("epoch",), utc(1969, 12, 31)),
        ("1488366000123", ("epoch_ms",), utc(2017, 3, 1, 11, 0, 0, 123000)),
        ("2017-03-01T12:00:00", ("%d.%m.%Y", "iso"), utc(2017, 3, 1, 11)),
        (0, ("epoch",), None),
        ("", ("%Y",), None),
    ],
)
def test_named_formats_are_tried_in_order(value: Any, formats: tuple[str, ...], expected: datetime | None) -> None:
    assert read(value, *formats) == expected


@pytest.mark.parametrize(
    ("value", "formats"),
    [
        ("2017-03-01", ("%d.%m.%Y",)), ("30.02.2017", ("%d.%m.%Y",)), (1488366000, ("%Y",)), ("abc", ("epoch",)),
        (True, ("epoch",)), (1e300, ("epoch_ms",)), ("nan", ("epoch",)), ("2017-03-01x", ("%Y-%m-%d",)),
        ("٢٠١٧-٠٣-٠١", ("%Y-%m-%d",)), ("01.01.0017", ("%d.%m.%Y",)),
    ],
)  # fmt: skip
def test_a_time_in_none_of_the_formats_is_rejected(value: Any, formats: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRecordError, match="bad_time"):
        read(value, *formats)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-29", utc(2026, 3, 28, 23)),  # clocks go forward at 2 on this day
        ("2026-03-30", utc(2026, 3, 29, 22)),
        ("2026-10-25", utc(2026, 10, 24, 22)),  # and back at 3 on this one
        ("2026-10-26", utc(2026, 10, 25, 23)),
    ],
)
def test_a_bare_date_is_midnight_in_the_company_and_days_are_23_or_25_hours_long(day: str, expected: datetime) -> None:
    assert read(day) == expected


def test_a_date_whose_midnight_does_not_exist_begins_at_the_first_instant_of_the_day() -> None:
    beirut = ZoneInfo("Asia/Beirut")
    result = read("2022-03-27", zone=beirut)
    assert result is not None
    assert result.astimezone(beirut).isoformat() == "2022-03-27T01:00:00+03:00"


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%H:%M:%S %Y%m%d", "%Y%m%d%H%M%S"])
@given(when=st.datetimes(timezones=st.just(UTC)).filter(lambda when: 1950 < when.year < 2150))
def test_numeric_formats_are_parsed_like_strptime(form: str, when: datetime) -> None:
    text = when.strftime(form)
    assert parser(form)(text, UTC) == datetime.strptime(text, form).replace(tzinfo=UTC)


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.dates().map(date.isoformat))
def test_any_input_is_an_instant_or_rejected(value: Any) -> None:
    try:
        result = read(value)
    except InvalidRecordError as error:
        assert error.reason is Reason.BAD_TIME  # noqa: PT017
    else:
        assert result is None or result.utcoffset() == timedelta(0)
