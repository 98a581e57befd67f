"""Many texts in one file."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from exporter.backfill.spool import Spool, SpooledTexts


@pytest.mark.parametrize("buffered", [1, 50, 10_000_000])
def test_every_text_is_read_back_in_order_with_any_buffer_size(tmp_path: Path, buffered: int) -> None:
    chance, expected = random.Random(3), {}
    spool = Spool(tmp_path / "spool", buffered)
    for number in range(500):
        key = b"key-%d" % chance.randrange(7)
        piece = b"%d," % number * chance.randrange(4)
        expected[key] = expected.get(key, b"") + piece
        spool.append(key, piece)
    spooled = SpooledTexts(tmp_path / "spool", spool.end())
    with spooled.path.open("rb") as file:
        assert {key: b"".join(spooled.read(file, key)) for key in reversed(expected)} == expected
        assert list(spooled.read(file, b"never met")) == []


def test_a_discarded_spool_is_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 1)
    spool.discard()
    with pytest.raises(ValueError, match="closed"):
        spool.append(b"key", b"piece")
