"""A process killed at any instant loses nothing it acknowledged and counts nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

from tests.store.killing import run


def test_forty_kills_during_ingest(tmp_path: Path) -> None:
    found = json.loads(run("storm", tmp_path, 40, 7))
    assert found["acknowledged"] > 40
    assert found["passes"] > 5
    assert found["lost_pages"] == found["doubled"] == found["holes"] == found["lost_passes"] == 0
