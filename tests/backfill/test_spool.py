"""Many lists of numbers in one file."""

from __future__ import annotations

import random
from itertools import chain
from pathlib import Path

import pytest

from exporter.backfill.spool import Spool


@pytest.mark.parametrize("buffered", [1, 50, 10_000_000])
def test_every_list_is_read_back_in_order_with_any_buffer_size(tmp_path: Path, buffered: int) -> None:
    chance, expected = random.Random(3), {}
    spool = Spool(tmp_path / "spool", buffered)
    for number in range(500):
        key = b"key-%d" % chance.randrange(7)
        numbers = (float(number), 0.1) * chance.randrange(4)
        expected[key] = [*expected.get(key, ()), *numbers]
        spool.append(key, numbers)
    spooled = spool.end()
    with spooled.path.open("rb") as file:
        assert {key: list(chain.from_iterable(spooled.read(file, key))) for key in reversed(expected)} == expected
        assert list(spooled.read(file, b"never met")) == []


def test_a_discarded_spool_is_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 1)
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.append(b"key", (1.0,))
