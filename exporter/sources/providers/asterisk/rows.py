"""Rows of a queue log and of call detail records, from a table's columns or a file's lines."""

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
_CSV = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
    "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield",
)  # fmt: skip
_UNIQUEID = _CSV.index("uniqueid")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the queue log; `data` is always five texts."""

    at: datetime
    call: str
    queue: str
    agent: str
    name: str
    data: tuple[str, ...]
    place: int = 0
    """The row's number in the table, in the order in which events were written."""


@dataclass(frozen=True, slots=True)
class CdrRow:
    """One row of the call detail records: a leg or an attempt. Durations are seconds, `duration` from the start on."""

    at: datetime
    call: str
    context: str
    channel: str
    to_channel: str
    app: str
    duration: float
    billed: float
    disposition: str


def event_of(row: Mapping[str, Any], zone: ZoneInfo) -> Event:
    """The event in a row; raises InvalidRecordError for a time that is none."""
    texts = {name: convert.text(row[name], name) or "" for name in ("callid", "queuename", "agent", "event", *DATA)}
    data = tuple(texts[name] for name in DATA)
    place = int(convert.number(row.get("id"), "id") or 0)
    at = _at(row["time"], zone)
    return Event(at, texts["callid"], texts["queuename"], texts["agent"], texts["event"], data, place)


def lines_of(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The columns in a queue_log file's lines; one that is still being written has no end yet and is left for later."""
    for line in lines:
        parts = line.rstrip("\r\n").split("|")
        if line.endswith("\n") and len(parts) >= 5:
            yield dict(zip(QUEUE_COLUMNS[1:], [*parts, "", "", "", "", ""], strict=False))


def cdr_of(row: Mapping[str, Any], start: str, zone: ZoneInfo) -> CdrRow:
    """The leg or attempt in a row; raises InvalidRecordError for a time or number that is none."""
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
    """The columns of Master.csv; raises SourceRejectedError(SCHEMA) where rows do not say which call they are of."""
    for parts in csv.reader(line for line in lines if line.endswith("\n")):
        if len(parts) <= _UNIQUEID or not parts[_UNIQUEID]:
            raise SourceRejectedError(Reason.SCHEMA, "Master.csv has no uniqueid: set loguniqueid=yes in cdr.conf")
        yield dict(zip(_CSV, parts, strict=False))


def _at(value: Any, zone: ZoneInfo) -> datetime:
    found = convert.instant(value, "time", zone)
    if found is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "time")
    return found
