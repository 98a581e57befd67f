"""Requests as they travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from exporter.control.requests import ControlRequest
from exporter.errors import ControlError, ExitCode


@dataclass(frozen=True, slots=True)
class Wish(ControlRequest):
    command: ClassVar[str] = "wish"
    name: str
    count: int = 1
    loud: bool = False
    reason: str | None = None


@pytest.mark.parametrize("wish", [Wish("ümlaut"), Wish("a", 2**60, loud=True, reason="because"), Wish("", -1)])
def test_a_request_is_read_as_it_was_sent(wish: Wish) -> None:
    request = wish.as_json()
    assert request["command"] == "wish"
    assert Wish.parse(request["arguments"]) == wish


@pytest.mark.parametrize(
    "arguments",
    [None, [], "x", {}, {"name": 1}, {"name": None}, {"name": "x", "count": True}, {"name": "x", "loud": 1},
     {"name": "x", "count": 1.5}, {"name": "x", "reason": []}, {"name": "x", "other": 1}],
)  # fmt: skip
def test_arguments_of_another_shape_are_rejected(arguments: Any) -> None:
    with pytest.raises(ControlError, match="wish") as caught:
        Wish.parse(arguments)
    assert caught.value.code is ExitCode.USAGE
