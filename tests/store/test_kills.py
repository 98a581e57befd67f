"""A process killed at any instant loses nothing that it acknowledged and stores nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

from tests.store.killing import run


def test_forty_kills_during_passes_lose_nothing(tmp_path: Path) -> None:
    counts = json.loads(run("storm", tmp_path, 40, 7))
    assert counts["acknowledged"] > 40
    assert counts["passes"] > 5
    assert counts["lost_pages"] == counts["doubled"] == counts["holes"] == counts["lost_passes"] == 0


def test_twenty_kills_during_merges_leave_each_record_with_its_whole_past(tmp_path: Path) -> None:
    counts = json.loads(run("edits", tmp_path, 20, 11))
    assert counts["passes"] > 10
    assert counts["interrupted"] > 0, "some merge was killed after its pages were staged"
    assert counts["lost_passes"] == counts["wrong_pasts"] == 0
