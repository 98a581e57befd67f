"""Durations, dates, shares, numbers and titles."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from exporter.config.fields import (
    Number,
    Title,
    Weekday,
    duration_text,
    parse_date,
    parse_duration,
    parse_share,
)


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("60s", 60),
            ("5m", 300),
            ("1h", 3600),
            ("2d", 172_800),
            ("500ms", 0.5),
            ("1h30m", 5400),
            ("0s", 0),
            ("1d12h", 129_600),
        ],
    )
    def test_a_duration_is_a_number_and_a_unit(self, text: str, seconds: float) -> None:
        assert parse_duration(text) == timedelta(seconds=seconds)

    @pytest.mark.parametrize("text", ["", "60", "5 m", "1w", "-5m", "1.5h", "5m ", "m", "٥m", 60, None, ["5m"], True])
    def test_anything_else_is_rejected(self, text: object) -> None:
        with pytest.raises(ValueError, match="expected a duration"):
            parse_duration(text)

    @pytest.mark.parametrize("text", ["3661d", "999999999d", "999999999d" * 50])
    def test_more_than_ten_years_are_rejected(self, text: str) -> None:
        with pytest.raises(ValueError, match="too long"):
            parse_duration(text)

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0, "0s"),
            (0.5, "500ms"),
            (59, "59s"),
            (60, "1m"),
            (90, "90s"),
            (3600, "1h"),
            (86_400, "24h"),
            (172_800, "2d"),
        ],
    )
    def test_durations_are_written_in_their_largest_whole_unit(self, seconds: float, text: str) -> None:
        assert duration_text(timedelta(seconds=seconds)) == text

    @given(st.integers(0, 300_000_000))
    def test_a_written_duration_is_parsed_back(self, milliseconds: int) -> None:
        span = timedelta(milliseconds=milliseconds)
        assert parse_duration(duration_text(span)) == span


class TestDates:
    def test_an_iso_date_is_accepted(self) -> None:
        assert parse_date("2028-02-29") == date(2028, 2, 29)

    @pytest.mark.parametrize(
        "text", ["20280229", "2028-W09-2", "2028-2-29", "29.02.2028", "2028-02-29T00:00:00", 20280229, None]
    )
    def test_other_date_formats_are_rejected(self, text: object) -> None:
        with pytest.raises(ValueError, match="expected a date"):
            parse_date(text)

    def test_a_date_that_does_not_exist_is_rejected(self) -> None:
        with pytest.raises(ValueError, match="does not exist"):
            parse_date("2027-02-29")


class TestShares:
    @pytest.mark.parametrize(
        ("text", "share"), [("15%", 0.15), ("-5 %", -0.05), ("+2.5%", 0.025), (0.15, 0.15), (1, 1.0), ("0%", 0.0)]
    )
    def test_a_share_is_a_percentage_or_a_number(self, text: object, share: float) -> None:
        assert parse_share(text) == pytest.approx(share)

    @pytest.mark.parametrize("text", ["15", "%", "15%%", "1e3%", "a%", True, None, [15]])
    def test_anything_else_is_rejected(self, text: object) -> None:
        with pytest.raises(ValueError, match="percentage"):
            parse_share(text)


class TestNumbersAndText:
    @pytest.mark.parametrize("value", [True, "5", None, float("nan"), float("inf"), 1e16, [5]])
    def test_only_finite_numbers_are_numbers(self, value: object) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(Number).validate_python(value, strict=True)

    def test_an_integer_is_a_number(self) -> None:
        assert TypeAdapter(Number).validate_python(5, strict=True) == 5.0

    def test_spaces_around_text_are_removed(self) -> None:
        assert TypeAdapter(Title).validate_python("  Won \n") == "Won"

    @pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\tb", "a\x07", "x" * 129])
    def test_a_title_is_one_short_line(self, text: str) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(Title).validate_python(text)


def test_weekdays_are_numbered_as_in_datetime() -> None:
    assert [day.number for day in Weekday] == [0, 1, 2, 3, 4, 5, 6]
