"""Rows of the queue log and of the call detail records, from the columns of a table or the lines of a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.sources.parsing import convert

DATA = ("data1", "data2", "data3", "data4", "data5")
QUEUE_COLUMNS = ("id", "time", "callid", "queuename", "agent", "event", *DATA)
CDR_COLUMNS = (
    "dcontext",
    "channel",
    "dstchannel",
    "lastapp",
    "duration",
    "billsec",
    "disposition",
    "uniqueid",
    "linkedid",
)
_MASTER_CSV = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
    "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield",
)  # fmt: skip
_UNIQUEID = _MASTER_CSV.index("uniqueid")


@dataclass(frozen=True, slots=True)
class QueueEvent:
    """One event of the queue log. `data` always has five texts."""

    at: datetime
    call: str
    queue: str
    agent: str
    name: str
    data: tuple[str, ...]
    number: int = 0
    """The row's number in the table, in the order of writing."""


@dataclass(frozen=True, slots=True)
class CdrRow:
    """One row of the call detail records: a leg or an attempt. Durations are seconds; `duration` includes ringing."""

    at: datetime
    call: str
    context: str
    channel: str
    to_channel: str
    app: str
    duration: float
    billed: float
    disposition: str


def event_of(row: Mapping[str, Any], zone: ZoneInfo) -> QueueEvent:
    """The event of a row; raises InvalidRecordError if its time is not valid."""
    texts = {name: convert.text(row[name], name) or "" for name in ("callid", "queuename", "agent", "event", *DATA)}
    data = tuple(texts[name] for name in DATA)
    number = int(convert.identifier(row.get("id")) or 0)
    at = _at(row["time"], zone)
    return QueueEvent(at, texts["callid"], texts["queuename"], texts["agent"], texts["event"], data, number)


def lines_of(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The columns of the lines of a queue_log file. A line without an end is still being written and is ignored."""
    for line in lines:
        values = line.rstrip("\r\n").split("|")
        if line.endswith("\n") and len(values) >= 5:
            yield dict(zip(QUEUE_COLUMNS[1:], [*values, "", "", "", "", ""], strict=False))


def cdr_of(row: Mapping[str, Any], start: str, zone: ZoneInfo) -> CdrRow:
    """The leg or attempt of a row; raises InvalidRecordError if a time or number is not valid."""
    texts = {name: convert.text(row.get(name), name) or "" for name in CDR_COLUMNS}
    return CdrRow(
        at=_at(row[start], zone),
        call=texts["linkedid"] or texts["uniqueid"],
        context=texts["dcontext"],
        channel=texts["channel"],
        to_channel=texts["dstchannel"],
        app=texts["lastapp"],
        duration=convert.seconds(row["duration"], "duration") or 0.0,
        billed=convert.seconds(row["billsec"], "billsec") or 0.0,
        disposition=texts["disposition"],
    )


def csv_of(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The columns of the lines of Master.csv; raises SourceRejectedError(SCHEMA) if rows do not name their call."""
    for values in csv.reader(line for line in lines if line.endswith("\n")):
        if len(values) <= _UNIQUEID or not values[_UNIQUEID]:
            raise SourceRejectedError(Reason.SCHEMA, "Master.csv has no uniqueid: set loguniqueid=yes in cdr.conf")
        yield dict(zip(_MASTER_CSV, values, strict=False))


def _at(value: Any, zone: ZoneInfo) -> datetime:
    instant = convert.instant(value, "time", zone)
    if instant is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "time")
    return instant
