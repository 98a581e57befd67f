"""Text that is safe to show."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from exporter.printable import printable, printable_json, printable_lines

TEXTS = st.text(st.characters() | st.sampled_from("\x1b\x9b\x07\r\n\t\x7f\u202e\u2066\u200f\ufeff\u2028\ud800"))
DIRECTIONS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_control(character: str) -> bool:
    return ord(character) < 32 or 0x7F <= ord(character) < 0xA0


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    for text in ("Ada Lovelace", "Zoë Müller", "王小明", "שרה", "محمد", "👩‍💻", "किशोर", "a <b> & [c] \\ '\""):
        assert printable(text) == printable_lines(text) == text
        assert printable_json(json.dumps(text, ensure_ascii=False)) == json.dumps(text, ensure_ascii=False)


def test_what_drives_a_terminal_is_replaced() -> None:
    assert printable("a\x1b[2Jb") == "a\ufffd[2Jb"
    assert printable("a\x9b2Jb\x07") == "a\ufffd2Jb\ufffd"
    assert printable("a\r\nb\tc") == "a\ufffd\ufffdb\ufffdc"
    assert printable("abc\u202egnp.exe") == "abc\ufffdgnp.exe"


@given(TEXTS)
def test_no_control_characters_remain_and_nothing_is_dropped(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert not any(is_control(c) or c in DIRECTIONS for c in shown)
    assert len((shown + "|").splitlines()) == 1
    shown.encode()


@given(TEXTS)
def test_several_lines_keep_their_breaks_and_tabs_only(text: str) -> None:
    shown = printable_lines(text)
    assert shown.count("\n") == text.count("\n")
    assert {c for c in shown if is_control(c)} <= {"\n", "\t"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_has_the_same_values(text: str) -> None:
    shown = printable_json(json.dumps({"name": text}, ensure_ascii=False, indent=2))
    assert json.loads(shown) == {"name": text}
    assert not any((is_control(c) and c != "\n") or c in DIRECTIONS for c in shown)
