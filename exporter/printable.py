"""Makes text from records and vendors safe to show: it moves no cursor, starts no line and reverses no neighbour."""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, among them ESC and, as one character, CSI
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the direction of what follows
    "\u200b\u2060\ufeff\ufff9-\ufffb"  # invisible
    "\u2028\u2029"  # line breaks
    "\ud800-\udfff]"  # cannot be encoded
)
_UNSAFE_IN_LINES = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def printable(text: str) -> str:
    """The text on one line, with U+FFFD for each character that is not shown but changes what is shown."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(REPLACEMENT, text)


def printable_lines(text: str) -> str:
    """The same for text of several lines, which keeps its line breaks and tabs."""
    return _UNSAFE_IN_LINES.sub(REPLACEMENT, text)


def printable_json(text: str) -> str:
    """JSON with these characters written as escapes: the same values, and safe on a terminal."""
    return _UNSAFE_IN_LINES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
