"""Generated text reads back as what was meant, by readers of YAML 1.1 and 1.2."""

from __future__ import annotations

import json

import pytest
import yaml

from dashboards.encoding import NOTICE, json_text, yaml_text
from tests.dashboards.samples import HOSTILE

TRAPS = (
    "no",
    "Yes",
    "on",
    "null",
    "~",
    "1e3",
    "010",
    "12:30:00",
    "1_000",
    ".5",
    "0x1f",
    "-",
    "- a",
    "a: b",
    "# c",
    "",
    " x ",
)


@pytest.mark.parametrize("text", [*TRAPS, *HOSTILE, "two\nlines", "tab\tand é 日本", "\u2028"])
def test_any_text_reads_back_as_text(text: str) -> None:
    written = yaml_text({"key": text, text or "k": [text]})
    assert yaml.safe_load(written) == {"key": text, text or "k": [text]}
    line = next(line for line in written.splitlines() if line.startswith("key:"))
    assert text not in TRAPS or line.split(": ", 1)[1][0] in "'\""


def test_plain_words_stay_plain() -> None:
    assert yaml_text({"a": "win_rate", "count": 1, "b": True}) == NOTICE + "a: win_rate\ncount: 1\nb: true\n"


def test_nothing_is_shared_by_anchors() -> None:
    same = {"x": ["y"]}
    assert "&" not in yaml_text({"a": same, "b": same})


def test_json_keeps_its_order_and_has_no_odd_numbers() -> None:
    assert json_text({"b": 1, "a": "é"}) == '{\n  "b": 1,\n  "a": "é"\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        json_text(float("nan"))
    assert json.loads(json_text(HOSTILE)) == list(HOSTILE)
