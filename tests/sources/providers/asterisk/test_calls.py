"""Every outcome of a call in the queue log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exporter.sources.providers.asterisk.calls import grouped, queued
from exporter.sources.providers.asterisk.rows import QueueEvent
from tests.sources.source_context import NOW


def event(
    second: float, name: str, *data: Any, call: str = "17.1", queue: str = "sales", agent: str = ""
) -> QueueEvent:
    texts = (*map(str, data), *[""] * (5 - len(data)))
    return QueueEvent(NOW + timedelta(seconds=second), call, queue, agent, name, texts)


ENTER = event(0, "ENTERQUEUE", "", "044", 1)
CONNECT = event(12, "CONNECT", 11, "17.2", 3, agent="Ada")


@pytest.mark.parametrize(
    ("events", "status", "wait", "talk"),
    [
        ([ENTER], None, None, None),
        ([ENTER, CONNECT], "answered", 11, None),
        ([ENTER, CONNECT, event(80, "COMPLETEAGENT", 11, 66, 1)], "answered", 11, 66),
        ([ENTER, CONNECT, event(80, "COMPLETECALLER", 11, 67, 1)], "answered", 11, 67),
        ([ENTER, CONNECT, event(82, "BLINDTRANSFER", "200", "x", 11, 70, 1)], "answered", 11, 70),
        ([ENTER, CONNECT, event(83, "ATTENDEDTRANSFER", "BRIDGE", "x", 11, 71, 1)], "answered", 11, 71),
        ([ENTER, event(20, "ABANDON", 1, 1, 19)], "abandoned", 19, None),
        ([ENTER, event(20, "EXITWITHKEY", "1", 1, 1, 18)], "abandoned", 18, None),
        ([ENTER, event(60, "EXITWITHTIMEOUT", 1, 1, 60)], "missed", 60, None),
        ([ENTER, event(9, "EXITEMPTY", 1, 1, 9)], "missed", 9, None),
        ([event(0, "JOINEMPTY")], "missed", 0, None),
        ([event(0, "FULL")], "missed", 0, None),
    ],
)
def test_each_outcome_is_mapped(
    events: list[QueueEvent], status: str | None, wait: float | None, talk: float | None
) -> None:
    call = queued(events)
    assert call is not None
    assert (call.status, call.wait_seconds, call.talk_seconds) == (status, wait, talk)
    assert (call.ended_at is None) == (status is None or (status == "answered" and talk is None))


def test_a_call_through_two_queues_is_one_and_waited_in_both() -> None:
    events = [
        ENTER, event(60, "EXITWITHTIMEOUT", 1, 1, 60), event(65, "ENTERQUEUE", "", "044", 1, queue="support"),
        event(75, "CONNECT", 10, "17.3", 2, queue="support", agent="Bo"), event(95, "COMPLETEAGENT", 10, 20, 1),
    ]  # fmt: skip
    call = queued(events)
    assert call is not None
    assert (call.status, call.queue, call.agent, call.wait_seconds, call.talk_seconds) == (
        "answered", "support", "Bo", 75.0, 20.0,
    )  # fmt: skip


def test_a_call_without_its_beginning_is_skipped() -> None:
    assert queued([event(80, "COMPLETEAGENT", 11, 66, 1)]) is None


def test_calls_that_are_over_leave_memory_before_the_end() -> None:
    rows = [event(0, "ENTERQUEUE", call="old")]
    rows += [event(50_000 + n, "ENTERQUEUE", call=f"new{n}") for n in range(999)]
    first, *others = grouped(rows)
    assert [row.call for row in first] == ["old"]
    assert len(others) == 999
