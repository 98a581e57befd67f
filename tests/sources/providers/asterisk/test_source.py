"""Passes over an Asterisk's database, its files and its manager interface."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pymysql
import pytest
from pydantic import ValidationError

from exporter.errors import Reason, SourceError, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.registry import create
from tests.databases import mariadb
from tests.sources.providers.asterisk.manager import LIVE, SECRET, manager
from tests.sources.source_context import NOW, FakeClock, options, read_validated, records_of, run, source_context

QUEUELOG = (
    "CREATE TABLE queuelog (id BIGINT AUTO_INCREMENT PRIMARY KEY, time CHAR(26), callid VARCHAR(80), "
    "queuename VARCHAR(256), agent VARCHAR(80), event VARCHAR(32), data1 VARCHAR(100), data2 VARCHAR(100), "
    "data3 VARCHAR(100), data4 VARCHAR(100), data5 VARCHAR(100))"
)
CDR = (
    "CREATE TABLE cdr (accountcode VARCHAR(80), src VARCHAR(80), dst VARCHAR(80), dcontext VARCHAR(80), "
    "clid VARCHAR(80), channel VARCHAR(80), dstchannel VARCHAR(80), lastapp VARCHAR(80), lastdata VARCHAR(80), "
    "calldate DATETIME, duration INT, billsec INT, disposition VARCHAR(45), amaflags INT, userfield VARCHAR(256), "
    "uniqueid VARCHAR(150), linkedid VARCHAR(150), peeraccount VARCHAR(80), sequence INT)"
)
DATABASE = {"host": "127.0.0.1", "user": "reader", "password": {"env": "PW"}, "tls": "off"}


class Asterisk:
    """A MariaDB as FreePBX keeps it."""

    def __init__(self, place: tuple[int, Path]) -> None:
        self.port, self._sock = place
        self.run("CREATE DATABASE IF NOT EXISTS asteriskcdrdb")
        for table, made in {"queuelog": QUEUELOG, "cdr": CDR}.items():
            self.run(f"DROP TABLE IF EXISTS asteriskcdrdb.{table}")
            self.run(made.replace("TABLE ", "TABLE asteriskcdrdb.", 1))
        self.run("CREATE OR REPLACE USER reader@'127.0.0.1' IDENTIFIED BY 'tr0ub4dor'")
        self.run("GRANT SELECT ON asteriskcdrdb.* TO reader@'127.0.0.1'")

    def run(self, statement: str, *values: Any) -> None:
        with pymysql.connect(unix_socket=str(self._sock), user="root", autocommit=True) as owner:
            owner.cursor().execute(statement, values)

    def event(self, time: str, call: str, name: str, *data: Any, queue: str = "sales", agent: str = "NONE") -> None:
        row = (time, call, queue, agent, name, *map(str, data), *[""] * (5 - len(data)))
        columns = "time, callid, queuename, agent, event, data1, data2, data3, data4, data5"
        self.run(f"INSERT INTO asteriskcdrdb.queuelog ({columns}) VALUES ({', '.join(['%s'] * 10)})", *row)

    def row(self, time: str, call: str, **given: Any) -> None:
        plain = {
            "calldate": time, "linkedid": call, "uniqueid": call, "dcontext": "from-trunk", "channel": "PJSIP/trunk-1",
            "dstchannel": "", "lastapp": "Queue", "duration": 10, "billsec": 0, "disposition": "NO ANSWER",
        }  # fmt: skip
        row = {**plain, **given}
        marks = ", ".join(["%s"] * len(row))
        self.run(f"INSERT INTO asteriskcdrdb.cdr ({', '.join(row)}) VALUES ({marks})", *row.values())


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[int, Path]]:
    with mariadb() as found:
        yield found


@pytest.fixture
def pbx(place: tuple[int, Path]) -> Asterisk:
    return Asterisk(place)


def source(base: Path = Path(), transport: Any = None, **given: Any) -> Any:
    chosen = options(provider="asterisk", **given)
    return create(chosen, source_context(transport, clock=FakeClock(NOW), base=base, PW="tr0ub4dor", SECRET=SECRET))


def read(found: Any, cursor: str | None = None, at: datetime = NOW) -> list[Page]:
    async def gather() -> list[Page]:
        return [page async for page in read_validated(found, Pass(found.entities[0], at, cursor))]

    return run(gather())


def of(pbx: Asterisk, **given: Any) -> Any:
    return source(database={**DATABASE, "port": pbx.port}, **given)


def test_calls_are_grouped_by_callid_and_their_times_are_local(pbx: Asterisk) -> None:
    """Pitfalls: events counted as calls; times without a zone; ringing in milliseconds, waiting in seconds."""
    pbx.event("2026-03-01 10:00:00.000000", "17.1", "ENTERQUEUE", "", "0441234567", 1)
    pbx.event("2026-03-01 10:00:05.000000", "17.2", "ENTERQUEUE", "", "0441234568", 2, queue="support")
    pbx.event("2026-03-01 10:00:08.000000", "17.1", "RINGNOANSWER", 8000, agent="Bo")
    pbx.event("2026-03-01 10:00:12.500000", "17.1", "CONNECT", 12, "17.9", 3, agent="Ada")
    pbx.event("2026-03-01 10:00:20.000000", "17.2", "ABANDON", 1, 2, 15, queue="support")
    pbx.event("2026-03-01 10:01:52.000000", "17.1", "COMPLETECALLER", 12, 100, 1, agent="Ada")
    pbx.event("2026-03-01 10:02:00.000000", "NONE", "PAUSE", agent="Ada")
    pages = read(of(pbx))
    answered, abandoned = sorted(records_of(pages), key=lambda call: call.id)
    assert (answered.status, answered.queue, answered.agent) == ("answered", "sales", "Ada")
    assert answered.started_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert (answered.wait_seconds, answered.talk_seconds) == (12.0, 100.0)
    assert answered.attributes == {"rings_unanswered": "1", "ring_seconds": "8"}
    assert (abandoned.status, abandoned.queue, abandoned.wait_seconds) == ("abandoned", "support", 15.0)
    assert abandoned.agent is abandoned.talk_seconds is None
    assert (pages[-1].cursor, pages[-1].listing) == (datetime(2026, 3, 1, 9, 1, 52, tzinfo=UTC).isoformat(), None)


def test_a_zone_other_than_the_companys_shifts_the_times(pbx: Asterisk) -> None:
    pbx.event("2026-03-01 10:00:00.000000", "17.1", "ENTERQUEUE", "", "", 1)
    (call,) = records_of(read(of(pbx, zone="America/New_York")))
    assert call.started_at == datetime(2026, 3, 1, 15, tzinfo=UTC)
    with pytest.raises(ValidationError, match="time zone"):
        of(pbx, zone="Mars/Olympus")


def test_a_call_that_ends_after_a_pass_is_read_again_as_a_whole(pbx: Asterisk) -> None:
    pbx.event("2026-03-02 09:50:00.000000", "17.1", "ENTERQUEUE", "", "", 1)
    pbx.event("2026-03-02 09:58:00.000000", "17.2", "FULL")
    first = read(of(pbx))
    assert [call.status for call in records_of(first)] == [None, "missed"]
    pbx.event("2026-03-02 10:30:00.000000", "17.1", "ABANDON", 1, 1, 2400)
    later = NOW + timedelta(hours=1)
    assert [call.status for call in records_of(read(of(pbx), first[-1].cursor, later))] == ["abandoned", "missed"]
    assert [call.id for call in records_of(read(of(pbx, lookback="1m"), first[-1].cursor, later))] == ["17.2"]


def test_the_cursor_is_the_latest_event_on_asterisks_clock(pbx: Asterisk) -> None:
    """Pitfall: our own clock as cursor, which is ahead of the telephone system's here by more than the lookback."""
    assert read(of(pbx))[-1].cursor is None
    pbx.event("2026-03-02 09:00:00.000000", "17.1", "FULL")
    cursor = read(of(pbx))[-1].cursor
    pbx.event("2026-03-02 09:01:00.000000", "17.2", "FULL")
    assert [call.id for call in records_of(read(of(pbx, lookback="1m"), cursor))] == ["17.1", "17.2"]
    pbx.event("2026-03-02 23:00:00.000000", "17.3", "FULL")
    assert read(of(pbx), cursor)[-1].cursor == NOW.isoformat()


def test_an_idle_server_costs_the_same_select(pbx: Asterisk) -> None:
    """Pitfall: an idle source whose window grows or whose cursor is lost."""
    pbx.event("2026-03-02 09:00:00.000000", "17.1", "FULL")
    cursor = read(of(pbx))[-1].cursor
    for days in (1, 2, 30):
        pages = read(of(pbx), cursor, NOW + timedelta(days=days))
        assert [call.id for call in records_of(pages)] == ["17.1"]
        assert pages[-1].cursor == cursor


def test_a_call_across_the_repeated_hour_has_its_true_length(pbx: Asterisk) -> None:
    """Pitfall: times without a zone go back by an hour in autumn; the rows' numbers do not."""
    pbx.event("2025-10-26 02:55:00.000000", "17.1", "ENTERQUEUE", "", "044", 1)
    pbx.event("2025-10-26 02:59:30.000000", "17.1", "CONNECT", 270, "17.9", 3, agent="Ada")
    pbx.event("2025-10-26 02:20:00.000000", "17.1", "COMPLETEAGENT", 270, 1230, 1, agent="Ada")
    pbx.event("2025-10-26 02:30:00.000000", "17.2", "ENTERQUEUE", "", "044", 1)
    pbx.event("2025-10-26 02:31:00.000000", "17.2", "ABANDON", 1, 1, 60)
    pages = read(of(pbx, history="400d"))
    crossing, inside = sorted(records_of(pages), key=lambda call: call.id)
    assert (crossing.status, crossing.talk_seconds) == ("answered", 1230.0)
    assert crossing.started_at == datetime(2025, 10, 26, 0, 55, tzinfo=UTC)
    assert crossing.ended_at == datetime(2025, 10, 26, 1, 20, tzinfo=UTC)
    assert (inside.ended_at - inside.started_at, inside.wait_seconds) == (timedelta(minutes=1), 60.0)
    assert not any(page.rejected for page in pages)


def test_the_skipped_hour_in_spring_does_not_lengthen_a_call(pbx: Asterisk) -> None:
    pbx.event("2025-03-30 01:59:00.000000", "17.1", "ENTERQUEUE", "", "044", 1)
    pbx.event("2025-03-30 03:01:00.000000", "17.1", "ABANDON", 1, 1, 120)
    (call,) = records_of(read(of(pbx, history="400d")))
    assert call.ended_at - call.started_at == timedelta(minutes=2)


def test_three_calls_of_many_rows_are_three_calls(pbx: Asterisk) -> None:
    """Pitfall: Local legs, each attempt, and two rows with the same uniqueid; a played announcement is no answer."""
    call = "2026-03-01 10:00:00"
    pbx.row(call, "5.1", duration=20, disposition="NO ANSWER", dstchannel="Local/100@q-1;1")
    answered = {"disposition": "ANSWERED", "duration": 60, "billsec": 45}
    pbx.row(call, "5.1", **answered, dstchannel="Local/101@q-2;1", uniqueid="5.1")
    pbx.row(call, "5.1", **{**answered, "billsec": 40}, dstchannel="PJSIP/101-0000002a", uniqueid="5.2")
    pbx.row(call, "5.3", disposition="ANSWERED", duration=4, billsec=4)
    pbx.row(call, "5.4", dcontext="from-internal", channel="PJSIP/102-01", dstchannel="PJSIP/t-2", **answered)
    found = {one.id: one for one in records_of(read(of(pbx, calls_from="cdr")))}
    assert {key: (one.direction, one.status, one.agent) for key, one in found.items()} == {
        "5.1": ("inbound", "answered", "101"),
        "5.3": ("inbound", "abandoned", None),
        "5.4": ("outbound", "answered", "102"),
    }
    assert (found["5.1"].wait_seconds, found["5.1"].talk_seconds) == (20.0, 40.0)
    assert found["5.1"].started_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("disposition", "app", "status"),
    [
        ("NO ANSWER", "Dial", "missed"), ("BUSY", "Dial", "busy"), ("FAILED", "Dial", "failed"),
        ("CONGESTION", "Dial", "failed"), ("ANSWERED", "VoiceMail", "voicemail"), ("ANSWERED", "Playback", "abandoned"),
    ],
)  # fmt: skip
def test_each_disposition_is_mapped(pbx: Asterisk, disposition: str, app: str, status: str) -> None:
    pbx.row("2026-03-01 10:00:00", "5.1", disposition=disposition, lastapp=app)
    (call,) = records_of(read(of(pbx, calls_from="cdr")))
    assert (call.status, call.talk_seconds) == (status, None)


def test_a_queue_log_file_has_epoch_times_and_is_read_to_its_last_complete_line(tmp_path: Path) -> None:
    start = int(NOW.timestamp()) - 3600
    lines = [
        f"{start}|17.1|NONE|NONE|QUEUESTART|", f"{start}|17.1|sales|NONE|ENTERQUEUE||044|1", "garbled",
        f"{start + 9}|17.1|sales|Ada|CONNECT|9|17.2|2", "x|17.1|sales|Ada|INFO|",
        f"{start + 99}|17.1|sales|Ada|COMPLETEAGENT|9|90|1", f"{start + 100}|17.3|sales|NONE|ENTERQUEUE||",
    ]  # fmt: skip
    (tmp_path / "queue_log").write_text("\n".join(lines), encoding="utf-8")
    (page,) = read(source(tmp_path, path="queue_log"))
    (call,) = page.records
    assert (call.id, call.status, call.talk_seconds) == ("17.1", "answered", 90.0)  # type: ignore[attr-defined]
    assert [error.reason for error in page.rejected] == [Reason.BAD_TIME]


def test_a_file_without_valid_rows_fails_the_pass(tmp_path: Path) -> None:
    (tmp_path / "queue_log").write_text("x|17.1|sales|Ada|INFO|\n|17.1|sales|Ada|INFO|\n", encoding="utf-8")
    with pytest.raises(SourceRejectedError) as raised:
        read(source(tmp_path, path="queue_log"))
    assert raised.value.reason is Reason.TOO_MANY_REJECTED


def test_a_csv_needs_the_unique_id(tmp_path: Path) -> None:
    row = '"","044","100","from-trunk","","PJSIP/t-1","PJSIP/100-2","Dial","","2026-03-01 10:00:00","",'
    row += '"2026-03-01 10:01:00",60,50,"ANSWERED","DOCUMENTATION"'
    (tmp_path / "Master.csv").write_text(f'{row},"5.1",""\n', encoding="utf-8")
    chosen = source(tmp_path, path="Master.csv", calls_from="cdr")
    (call,) = records_of(read(chosen))
    assert (call.agent, call.wait_seconds, call.talk_seconds) == ("100", 10.0, 50.0)
    (tmp_path / "Master.csv").write_text(f"{row}\n", encoding="utf-8")
    with pytest.raises(SourceRejectedError, match="loguniqueid"):
        read(chosen)
    (access,) = run(source(tmp_path, path="nothing").check())
    assert (access.allowed, access.missing) == (
        False,
        "not_found: nothing cannot be read; check the address or path in the config, and whether your plan includes it",
    )


def test_the_queues_are_measured_at_each_pass() -> None:
    transport, log = manager()
    (page,) = read(source(transport=transport, **LIVE))
    assert [(one.name, one.value, one.attributes) for one in page.records] == [  # type: ignore[attr-defined]
        ("agents_logged_in", 3.0, {"queue": "sales"}),
        ("callers_waiting", 2.0, {"queue": "sales"}),
        ("longest_wait_seconds", 41.0, {"queue": "sales"}),
    ]
    assert [request.url.params["action"] for request in log] == ["login", "QueueSummary"]
    assert "secret" not in log[1].url.params


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"secret": "x"}, Reason.UNAUTHORIZED), ({"rights": False}, Reason.FORBIDDEN), ({"whole": False}, Reason.SCHEMA)],
)
def test_a_200_that_means_error_fails_the_pass(
    given: dict[str, Any], reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    """Pitfalls: errors hidden as data; a secret in the address must not reach a message."""
    with pytest.raises(SourceRejectedError) as raised:
        read(source(transport=manager(**given)[0], **LIVE))
    assert raised.value.reason is reason
    assert SECRET not in str(raised.value) + caplog.text


def test_no_login_error_contains_the_secret() -> None:
    for answer in (httpx.Response(500), httpx.Response(401), httpx.Response(302, headers={"location": "/x"})):
        with pytest.raises(SourceError) as raised:
            read(source(transport=httpx.MockTransport(lambda _, answer=answer: answer), **LIVE))
        assert SECRET not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_check_names_what_is_missing(pbx: Asterisk) -> None:
    async def check(found: Any) -> Any:
        accesses = await found.check()
        await found.close()
        return accesses

    both = {**LIVE, "entities": ["calls", "measurements"], "database": {**DATABASE, "port": pbx.port}}
    assert [access.allowed for access in run(check(source(transport=manager()[0], **both)))] == [True, True]
    (refused,) = run(check(source(transport=manager(rights=False)[0], **LIVE)))
    assert not refused.allowed
    with pytest.raises(SourceRejectedError):
        run(check(source(transport=manager(secret="x")[0], **LIVE)))
    pbx.run("DROP TABLE asteriskcdrdb.queuelog")
    (missing,) = run(check(of(pbx)))
    assert "table" in missing.missing


@pytest.mark.parametrize("given", [{}, {"path": "a", "database": DATABASE}, {"entities": ["measurements"]}])
def test_the_options_that_an_entity_needs_are_required(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(provider="asterisk", **given)
