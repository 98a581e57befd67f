from __future__ import annotations

from typing import Any

import pytest

from exporter.sources.parsing.json_path import ABSENT, find, getter

BODY = {"data": {"items": [{"id": 1}, {"id": 2}], "none": None, "flag": False}, "a.b": "dotted", "text": "abc"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data.items", [{"id": 1}, {"id": 2}]), ("data.items.1.id", 2), ("data.items.7.id", None), ("data.none", None),
        ("data.none.deeper", None), ("data.flag", False), ("data.other", ABSENT), ("other.deeper", ABSENT),
        ("text.deeper", ABSENT), ("data.items.id", ABSENT), ("text", "abc"), ("data.items.-1", ABSENT),
    ],
)  # fmt: skip
def test_a_path_finds_a_value_null_or_nothing(path: str, expected: Any) -> None:
    value = find(BODY, path)
    assert value is ABSENT if expected is ABSENT else value == expected


@pytest.mark.parametrize("path", ["text", "data.flag", "data.items.0.id", "data.none.deeper", "a.b"])
@pytest.mark.parametrize("optional", [False, True])
def test_a_getter_returns_the_value_at_the_path(path: str, optional: bool) -> None:
    expected = "dotted" if path == "a.b" else find(BODY, path)
    assert getter(path, optional)(BODY) == expected


@pytest.mark.parametrize("path", ["other", "data.other", "text.deeper"])
def test_a_field_that_is_missing_is_named_unless_it_is_optional(path: str) -> None:
    assert getter(path, True)(BODY) is None
    with pytest.raises(KeyError, match=path):
        getter(path, False)(BODY)


@pytest.mark.parametrize("row", [5, "text", ["list"]])
@pytest.mark.parametrize("path", ["id", "a.b"])
def test_a_row_that_is_not_an_object_is_an_error(path: str, row: Any) -> None:
    with pytest.raises((TypeError, KeyError, AttributeError)):
        getter(path, False)(row)


def test_a_null_row_has_only_null_fields() -> None:
    assert getter("a.b", False)(None) is None
