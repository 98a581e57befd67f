"""Label values and numbers as the exposition formats write them, whatever the records held."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2s

import orjson
from prometheus_client.utils import floatToGoString

LONGEST = 128
"""Characters a label value may have."""

REPLACEMENT = "\ufffd"

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def label_value(value: object) -> str:
    """`value` as text that every consumer takes: valid UTF-8, no control characters, at most 128 characters.

    A longer text keeps its beginning and ends in a digest of the whole, so that two of them stay apart.
    """
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if len(text) <= LONGEST and text.isprintable():
        return text
    clean = _UNSAFE.sub(REPLACEMENT, text)
    if len(clean) <= LONGEST:
        return clean
    digest = blake2s(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{clean[: LONGEST - len(digest) - 1]}~{digest}"


def escaped(text: str) -> str:
    """A label value, or a HELP text of OpenMetrics, between double quotes."""
    if "\\" not in text and '"' not in text and "\n" not in text:
        return text
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def escaped_help(text: str) -> str:
    """A HELP text of the plain format, where quotes stay as they are."""
    return text.replace("\\", r"\\").replace("\n", r"\n")


def numbers(values: Sequence[float]) -> list[bytes]:
    """Each finite float as prometheus-client writes it.

    One serialisation of the whole list is several times cheaper than one per number; only what the two write
    differently (negative, tiny, a million and more) is written one by one.
    """
    if not values:
        return []
    texts = orjson.dumps(values)[1:-1].split(b",")
    for index, value in enumerate(values):
        if not (0.0001 <= value < 1e6 or value == 0):
            texts[index] = go_text(value)
    return texts


def go_text(value: float) -> bytes:
    """One number the way Go writes it."""
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text.encode()
