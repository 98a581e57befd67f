"""The sources of a config, created from their options."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.clock import system_clock
from exporter.commands.sync import NullTelemetry
from exporter.errors import ConfigError
from exporter.runtime.source_jobs import push_inboxes, sync_jobs
from tests.exposition.sample import sample_config


def test_each_job_has_its_intervals_and_a_fingerprint_per_entity(tmp_path: Path) -> None:
    crm, phones = sync_jobs(sample_config(), {"TOKEN": "t"}, tmp_path, system_clock, NullTelemetry())
    assert crm.source.name == "crm"
    assert set(crm.fingerprints) == {"deals", "people"}
    assert phones.interval == 60
    assert phones.source.entities == ("calls",)


def test_all_addresses_that_are_not_allowed_are_reported_together(tmp_path: Path) -> None:
    inner = {"provider": "hubspot", "token": {"env": "T"}, "base_url": "https://127.0.0.1"}
    config = sample_config(sources=[{"name": "one", **inner}, {"name": "other", **inner}])
    with pytest.raises(ConfigError) as caught:
        sync_jobs(config, {"T": "t"}, tmp_path, system_clock, NullTelemetry())
    assert [problem.path for problem in caught.value.problems] == ["sources.one", "sources.other"]


def test_push_sources_are_not_polled(tmp_path: Path) -> None:
    shop = {"name": "shop", "provider": "push", "token": {"env": "T"}, "entities": ["deals"]}
    desk = {"name": "desk", "provider": "csv", "path": "calls.csv", "entity": "calls", "columns": {"id": "id"}}
    context = sample_config(sources=[shop, desk]), {"T": "t"}, tmp_path, system_clock, NullTelemetry()
    assert [job.source.name for job in sync_jobs(*context)] == ["desk"]
    assert [(inbox.name, inbox.entities) for inbox in push_inboxes(*context)] == [("shop", ("deals",))]
