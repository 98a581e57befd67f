"""What hysteresis remembers, across evaluations and restarts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.fields import Scope, Status
from exporter.kpi.memory import Held, Memory
from tests.kpi.golden import instants

JANUARY, FEBRUARY = datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 2, 1, tzinfo=UTC)
KEY = ("revenue", Scope.PERSON, "North", "Ann")

_names = st.none() | st.text(max_size=20)
_keys = st.tuples(st.text(max_size=20), st.sampled_from(list(Scope)), _names, _names)
_held = st.builds(Held, st.sampled_from(list(Status)), st.integers(0, 2))
_starts = instants(1990, 2090)


def test_what_was_held_is_recalled_in_the_same_period() -> None:
    memory = Memory({KEY: (JANUARY, Held(Status.AT_RISK, 1))})
    assert memory.recall(KEY, JANUARY) == Held(Status.AT_RISK, 1)


def test_every_period_starts_anew() -> None:
    memory = Memory({KEY: (JANUARY, Held(Status.AT_RISK))})
    assert memory.recall(KEY, FEBRUARY) is None


def test_nobody_else_is_remembered() -> None:
    memory = Memory({KEY: (JANUARY, Held(Status.AT_RISK))})
    assert memory.recall(("revenue", Scope.PERSON, "North", "Bob"), JANUARY) is None


@given(st.dictionaries(_keys, st.tuples(_starts, _held), max_size=5))
def test_a_dump_loads_as_it_was(entries: dict) -> None:  # type: ignore[type-arg]
    assert Memory.load(Memory(entries).dump()).entries == entries


@pytest.mark.parametrize(
    "dumped", [b"", b"{", b"[1]", b"[[1,2]]", b'{"a": 1}', b'[["k","nowhere",null,null,"2021-01-01","on_track",0]]']
)
def test_what_cannot_be_read_is_forgotten(dumped: bytes) -> None:
    assert Memory.load(dumped) == Memory()
