"""The file with the history, from a real store: the evaluations in the format that Prometheus imports."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.backfill.openmetrics_file import write_history
from exporter.backfill.steps import steps_between
from exporter.config.root import Config
from exporter.errors import StartError
from exporter.evaluation.evaluator import Evaluator
from exporter.evaluation.freshness import freshness
from exporter.exposition.families import business_samples, kpi_samples
from exporter.exposition.render import Renderer
from exporter.kpi.status import StatusMemory
from exporter.metrics.connection import consistent_read
from exporter.metrics.instants import HistoryQueries
from exporter.store.store import Store
from tests.evaluation.records import ADA, NOW, deal, put, small_config
from tests.programs import program

HOUR = timedelta(hours=1)
CONFIG = small_config()
SAMPLE = re.compile(r"(?P<series>[^#].*) (?P<value>\S+) (?P<at>\d+)")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    chance, opened = random.Random(8), Store.open(tmp_path / "data")
    deals = []
    for number in range(120):
        closed = NOW - timedelta(minutes=chance.randrange(40 * 24 * 60)) if chance.random() < 0.8 else None
        owner = chance.choice(["ada", "Bob", 'quo"te'])
        created = (closed or NOW) - timedelta(hours=chance.randrange(1, 300))
        deals.append(deal(number, chance.randrange(90), closed, owner=owner, created_at=created))
    put(opened, "crm", "deals", deals)
    put(opened, "hr", "people", [ADA])
    yield opened
    opened.close()


def history_file(store: Store, steps: list[datetime], out: Path, *, config: Config = CONFIG) -> str:
    progress: list[tuple[int, int]] = []
    fresh = freshness(config, store.outcomes(), NOW)
    with store.reading() as reader, consistent_read(reader):
        records = HistoryQueries(reader, config)
        write_history(config, records, fresh, steps, out, lambda *counts: progress.append(counts))
    if steps:
        assert progress[-1] == (len(steps), len(steps))
    return out.read_text()


def by_instant(text: str) -> dict[int, set[str]]:
    result: dict[int, set[str]] = {}
    for line in text.splitlines():
        if matched := SAMPLE.fullmatch(line):
            result.setdefault(int(matched["at"]), set()).add(f"{matched['series']} {matched['value']}")
    return result


def scraped(store: Store, at: datetime, memory: StatusMemory | None) -> tuple[set[str], StatusMemory]:
    """The lines that a scrape would have shown at an instant."""
    done = Evaluator(CONFIG, store).evaluate(at, memory)
    rows = chain(business_samples(CONFIG, done.evaluation.metrics), kpi_samples(CONFIG, done.evaluation))
    rendering = Renderer().render(rows)
    formats = [family.formats for family in (*rendering.shared, *rendering.people)]
    text = b"".join(piece for each in formats for piece in each.openmetrics.plain).decode()
    return {line for line in text.splitlines() if not line.startswith("#")}, done.memory


def test_every_step_equals_a_scrape_at_that_time(store: Store, tmp_path: Path) -> None:
    steps = steps_between(NOW - timedelta(days=30), NOW, timedelta(hours=12))
    result = by_instant(history_file(store, steps, tmp_path / "h.om"))
    assert set(result) == {int(step.timestamp()) for step in steps}
    memory: StatusMemory | None = None
    for step in steps:
        expected, memory = scraped(store, step, memory)
        assert result[int(step.timestamp())] == expected


def test_the_file_is_openmetrics_grouped_by_series(store: Store, tmp_path: Path) -> None:
    text = history_file(store, steps_between(NOW - timedelta(days=3), NOW, HOUR), tmp_path / "h.om")
    assert text.endswith("\n# EOF\n")
    assert text.count("# EOF") == 1
    assert "\n\n" not in text
    families = list(text_string_to_metric_families(text))
    assert {family.name for family in families} >= {"kpi_value", "team_kpi_value", "person_kpi_value", "kpi_status"}
    assert {sample.labels["person"] for f in families for sample in f.samples if "person" in sample.labels} >= {
        "Ada Lovelace",
        'quo"te',
    }


def test_without_steps_there_is_only_the_end(store: Store, tmp_path: Path) -> None:
    assert history_file(store, [], tmp_path / "h.om") == "# EOF\n"


def test_a_write_error_is_reported_and_leaves_no_files(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot write"):
        history_file(store, [NOW], tmp_path / "file" / "h.om")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StartError, match="cannot write"):
        history_file(store, [NOW], tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "file", "folder"]


def test_an_interrupted_run_keeps_the_old_file_and_the_next_one_cleans_up(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "h.om"
    out.write_text("before")

    def stop(*_: int) -> None:
        assert list(tmp_path.glob(".h.om.parts/*"))
        raise KeyboardInterrupt

    fresh = freshness(CONFIG, store.outcomes(), NOW)
    steps = steps_between(NOW - 40 * HOUR, NOW, HOUR)
    with store.reading() as reader, consistent_read(reader), pytest.raises(KeyboardInterrupt):
        write_history(CONFIG, HistoryQueries(reader, CONFIG), fresh, steps, out, stop)
    assert out.read_text() == "before"
    (tmp_path / ".h.om.parts").mkdir()
    (tmp_path / ".h.om.parts" / "litter").write_text("")
    assert history_file(store, [NOW.replace(minute=0)], out).endswith("# EOF\n")
    assert not list(tmp_path.glob(".h.om.parts*"))


def test_promtool_creates_blocks_from_the_file(store: Store, tmp_path: Path) -> None:
    steps = steps_between(NOW - timedelta(days=3), NOW, HOUR)
    history_file(store, steps, tmp_path / "h.om")
    process = subprocess.run(
        [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", tmp_path / "h.om", tmp_path / "tsdb"],
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    block_ends = {int(number) for number in re.findall(r"\b1\d{12}\b", process.stdout)}
    assert min(block_ends) == int(steps[0].timestamp()) * 1000
    assert max(block_ends) == int(steps[-1].timestamp()) * 1000 + 1
    assert steps[-1] <= datetime(2025, 11, 19, 14, 30, tzinfo=UTC)
