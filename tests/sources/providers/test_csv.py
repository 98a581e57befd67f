from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.passes import Listing, Page, Pass
from exporter.records import Call, Deal, Record
from exporter.sources.base import Access
from exporter.sources.providers import csv as csv_module
from exporter.sources.providers.csv import CsvSource, create
from tests.sources.source_context import NOW, options, pages_of, read_validated, records_of, run, source_context

COLUMNS = {"id": "Id", "amount": "Amount", "owner": "Owner"}
DATED = {**COLUMNS, "created_at": "Opened"}
ROWS = "Id,Amount,Owner,Opened\na,1,me,2026-02-20T09:00:00Z\nb,2,me,2026-02-11T09:00:00Z\n"
DAY = timedelta(days=1)


def source(folder: Path, text: str | bytes | None, **given: Any) -> CsvSource:
    if text is not None:
        (folder / "deals.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    found = options(**{"provider": "csv", "path": "deals.csv", "entity": "deals", "columns": COLUMNS, **given})
    return create(found, source_context(base=folder))


def read(folder: Path, text: str | bytes | None, cursor: str | None = None, **given: Any) -> list[Page]:
    return run(pages_of(source(folder, text, **given), cursor))


def fault(folder: Path, text: str | bytes | None, **given: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(folder, text, **given)
    return caught.value


def rejected(pages: list[Page]) -> list[tuple[Reason, str, str, str | None]]:
    return [(error.reason, error.field, error.where, error.record_id) for page in pages for error in page.rejected]


def table(rows: int, *more: str) -> str:
    return "\n".join(["Id,Amount,Owner", *(f"d{n},{n},me" for n in range(rows)), *more, ""])


class TestReading:
    def test_rows_become_records_with_a_listing_of_all(self, tmp_path: Path) -> None:
        (page,) = read(tmp_path, 'Id,Amount,Owner\na,12.5,"Byron, Ada"\nb,,\n')
        assert page.records == (Deal(id="a", amount=Decimal("12.5"), owner="Byron, Ada"), Deal(id="b"))
        assert (page.listing, page.resume, page.total) == (Listing(), None, 2)

    def test_a_large_file_comes_in_pages_and_only_the_last_has_a_cursor(self, tmp_path: Path) -> None:
        pages = read(tmp_path, table(2500))
        assert [len(page.records) for page in pages] == [1000, 1000, 500]
        assert [page.total for page in pages] == [2500] * 3
        assert [page.cursor is None for page in pages] == [True, True, False]
        assert [page.listing for page in pages] == [None, None, Listing()]
        assert all(page.resume is None for page in pages)

    def test_an_unchanged_file_gives_no_records_and_a_changed_one_all_of_them(self, tmp_path: Path) -> None:
        cursor = read(tmp_path, table(3))[-1].cursor
        (unchanged,) = read(tmp_path, table(3), cursor)
        assert (unchanged.records, unchanged.listing, unchanged.cursor) == ((), None, cursor)
        pages = read(tmp_path, table(2), cursor)
        assert [record.id for record in records_of(pages)] == ["d0", "d1"]
        assert pages[-1].listing == Listing()
        assert pages[-1].cursor != cursor

    @pytest.mark.parametrize("cursor", ["", "0" * 64, "[]", '{"digest": 1}'])
    def test_a_cursor_of_another_version_reads_everything(self, tmp_path: Path, cursor: str) -> None:
        assert len(records_of(read(tmp_path, table(3), cursor))) == 3

    def test_only_a_header_is_a_true_zero(self, tmp_path: Path) -> None:
        (page,) = read(tmp_path, "Id,Amount,Owner\n")
        assert (page.records, page.listing) == ((), Listing())

    @pytest.mark.parametrize(
        ("text", "given"),
        [
            ("Id;Amount;Owner\nz;1;Zoë\n".encode("cp1252"), {"delimiter": ";", "encoding": "cp1252"}),
            ("Id\tAmount\tOwner\nz\t1\tZoë\n".encode("utf-16"), {"delimiter": "\t", "encoding": "utf-16"}),
            ("\ufeffId,Amount,Owner\r\nz,1,Zoë\r\n".encode(), {}),
            ("\ufeffId,Amount,Owner\nz,1,Zoë".encode(), {"encoding": "utf-8"}),
            (" Id , Amount,Owner\n\nz,1, Zoë \n\n".encode(), {}),
            ("Other,Owner,Amount,Id,\nx,Zoë,1,z,\n".encode(), {}),
        ],
    )
    def test_delimiter_encoding_order_and_blank_lines(self, tmp_path: Path, text: bytes, given: dict[str, Any]) -> None:
        assert records_of(read(tmp_path, text, **given)) == [Deal(id="z", amount=Decimal(1), owner="Zoë")]

    def test_columns_as_the_config_describes_them(self, tmp_path: Path) -> None:
        columns = {
            "id": "call",
            "direction": {"value": "inbound"},
            "started_at": {"from": ["date", "time"], "format": ["%m-%d-%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"]},
            "status": {"from": "answered", "map": {"Y": "answered", "N": "abandoned"}},
            "resolved": {"from": "resolved", "map": {"Y": True, "N": False}},
            "talk_seconds": "talk",
            "attributes.topic": "topic",
        }
        text = (
            "call,date,time,answered,resolved,talk,topic\n"
            "1,01-02-2021,09:12:58,Y,Y,143,Billing\n"
            "2,1/13/2021,10:00:00,N,,,\n"
            "3,01-02-2021,09:12:58,y,Y,1,x\n"
        )
        pages = read(tmp_path, text, entity="calls", columns=columns)
        assert records_of(pages) == [
            Call(
                id="1", direction="inbound", status="answered", resolved=True, talk_seconds=143.0,
                started_at=datetime(2021, 1, 2, 8, 12, 58, tzinfo=UTC), attributes={"topic": "Billing"},
            ),
            Call(
                id="2", direction="inbound", status="abandoned", started_at=datetime(2021, 1, 13, 9, tzinfo=UTC)
            ),
        ]  # fmt: skip
        assert rejected(pages) == [(Reason.UNKNOWN_VALUE, "status", "line 4", "3")]


class TestCompleteness:
    """How far a file is complete: up to its own time, its newest row, or each pass."""

    def complete_until(self, folder: Path, age: timedelta, cursor: str | None = None, **given: Any) -> datetime | None:
        """What the last page of a pass says about a file of this age."""
        found = source(folder, ROWS, **{"columns": DATED, **given})
        modified = (NOW - age).timestamp()
        os.utime(folder / "deals.csv", (modified, modified))
        return run(pages_of(found, cursor))[-1].complete_until

    def test_a_file_is_complete_up_to_its_last_modification(self, tmp_path: Path) -> None:
        assert self.complete_until(tmp_path, 83 * DAY) == NOW - 83 * DAY

    def test_a_file_that_is_touched_is_complete_up_to_then(self, tmp_path: Path) -> None:
        cursor = read(tmp_path, ROWS, columns=DATED)[-1].cursor
        assert self.complete_until(tmp_path, DAY, cursor) == NOW - DAY

    @pytest.mark.parametrize("ahead", [DAY, 10**6 * DAY])
    def test_a_time_in_the_future_counts_as_now(self, tmp_path: Path, ahead: timedelta) -> None:
        assert self.complete_until(tmp_path, -ahead) == NOW

    def test_the_newest_row_counts_if_the_config_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        newest = datetime(2026, 2, 20, 9, 0, 0, 1, UTC)  # a window ends after the row, so that it includes it
        assert self.complete_until(tmp_path, timedelta(0), complete_until="newest") == newest
        cursor = read(tmp_path, None, columns=DATED, complete_until="newest")[-1].cursor
        monkeypatch.delattr(csv_module.RecordMap, "parse")  # an unchanged file is not read again
        assert self.complete_until(tmp_path, timedelta(0), cursor, complete_until="newest") == newest

    def test_the_newest_row_of_all_pages_counts(self, tmp_path: Path) -> None:
        rows = [f"d{n},1,me,2026-02-{1 + n // 1000:02}T09:00:00Z" for n in (*range(2500), *range(2500, 2600))]
        text = "\n".join(["Id,Amount,Owner,Opened", *reversed(rows), ""])
        pages = read(tmp_path, text, columns=DATED, complete_until="newest")
        assert [page.complete_until for page in pages] == [None, None, datetime(2026, 2, 3, 9, 0, 0, 1, UTC)]

    def test_without_dates_in_its_rows_the_file_s_own_time_counts(self, tmp_path: Path) -> None:
        assert self.complete_until(tmp_path, DAY, columns=COLUMNS, complete_until="newest") == NOW - DAY

    def test_a_file_may_be_complete_whenever_it_is_read(self, tmp_path: Path) -> None:
        assert self.complete_until(tmp_path, 83 * DAY, complete_until="now") is None


class TestBadRows:
    @pytest.mark.parametrize(
        ("row", "reason", "field", "record_id"),
        [
            ('x,"12,5",me', Reason.NOT_A_NUMBER, "amount", "x"),
            ("x,1e999,me", Reason.OUT_OF_RANGE, "amount", "x"),
            (",1,me", Reason.MISSING_FIELD, "id", None),
            ("x,1", Reason.MISSING_FIELD, "Owner", "x"),
            ("x,1,me,too,many", Reason.SCHEMA, "row", "x"),
            (b"x,1,Zo\xeb", Reason.BAD_TYPE, "row", "x"),
        ],
    )
    def test_a_bad_row_is_rejected_with_its_reason_and_line(
        self, tmp_path: Path, row: str | bytes, reason: Reason, field: str, record_id: str | None
    ) -> None:
        row = row if isinstance(row, bytes) else row.encode()
        pages = read(tmp_path, table(40).encode() + row + b"\nlast,1,me\n")
        assert len(records_of(pages)) == 41
        assert rejected(pages) == [(reason, field, "line 42", record_id)]

    def test_rows_of_nothing_but_delimiters_are_blank(self, tmp_path: Path) -> None:
        pages = read(tmp_path, table(2, ",,", ",,", ",,"))
        assert (len(records_of(pages)), rejected(pages)) == (2, [])

    def test_an_id_of_several_fields_is_not_guessed_for_a_row_that_does_not_fit(self, tmp_path: Path) -> None:
        columns = {"id": {"from": ["Id", "Owner"]}, "amount": "Amount"}
        pages = read(tmp_path, table(2, "x,1"), columns=columns)
        assert [record.id for record in records_of(pages)] == ["d0 me", "d1 me"]
        assert rejected(pages) == [(Reason.MISSING_FIELD, "Owner", "line 4", None)]

    def test_empty_cells_beyond_the_header_are_ignored(self, tmp_path: Path) -> None:
        assert len(records_of(read(tmp_path, table(2, "x,1,me,,")))) == 3

    def test_lines_are_counted_as_an_editor_counts_them(self, tmp_path: Path) -> None:
        pages = read(tmp_path, 'Id,Amount,Owner\na,1,"two\nlines"\n\nb,x,me\n')
        assert [error.where for error in pages[0].rejected] == ["line 5"]

    def test_up_to_five_percent_of_the_file_may_be_rejected(self, tmp_path: Path) -> None:
        rows = ["x,bad,me" if number % 20 == 0 else f"e{number},1,me" for number in range(2000)]
        pages = read(tmp_path, table(0, *rows))
        assert (len(records_of(pages)), len(rejected(pages))) == (1900, 100)

    @pytest.mark.parametrize("good", [100, 1900])
    def test_more_than_five_percent_stop_the_pass(self, tmp_path: Path, good: int) -> None:
        found = source(tmp_path, table(good, *["x,bad,me"] * 101))
        pages: list[Page] = []

        async def work() -> None:
            async for page in read_validated(found, Pass("deals", NOW)):
                pages.append(page)  # noqa: PERF401 - the pages before the fault count

        with pytest.raises(SourceRejectedError) as caught:
            run(work())
        assert caught.value.reason is Reason.TOO_MANY_REJECTED
        assert all(page.cursor is None and page.listing is None for page in pages)


class TestRowsWithOneId:
    """Which of two rows is right cannot be known: the first one counts, and the second is a fault that names both."""

    def test_the_first_stays_and_the_others_are_rejected_with_both_lines(self, tmp_path: Path) -> None:
        pages = read(tmp_path, table(40, "a,1,me", "b,2,me", "a,3,me", " a ,4,me"))
        assert [(record.id, record.amount) for record in records_of(pages)][40:] == [("a", 1), ("b", 2)]
        assert rejected(pages) == [
            (Reason.DUPLICATE_ID, "id", "line 44, whose id is already on line 42", None),
            (Reason.DUPLICATE_ID, "id", "line 45, whose id is already on line 42", None),
        ]

    def test_they_may_be_pages_apart(self, tmp_path: Path) -> None:
        pages = read(tmp_path, table(2500, "d7,100,me"))
        assert [record.amount for record in records_of(pages) if record.id == "d7"] == [7]
        assert rejected(pages) == [(Reason.DUPLICATE_ID, "id", "line 2502, whose id is already on line 9", None)]

    def test_a_row_that_cannot_be_read_claims_no_id(self, tmp_path: Path) -> None:
        pages = read(tmp_path, table(60, "a,bad,me", "a,1", "a,2,me", "a,3,me"))
        assert [record.amount for record in records_of(pages)][60:] == [2]
        assert rejected(pages)[-1] == (Reason.DUPLICATE_ID, "id", "line 65, whose id is already on line 64", None)

    def test_the_next_pass_begins_anew(self, tmp_path: Path) -> None:
        found = source(tmp_path, table(40, "d0,5,me"))
        first, again = run(pages_of(found)), run(pages_of(found))
        assert len(records_of(again)) == 40
        assert rejected(again) == rejected(first)

    def test_a_log_of_changes_is_not_a_list_of_records(self, tmp_path: Path) -> None:
        error = fault(tmp_path, table(20, *(f"d{n},9,me" for n in range(20))))
        assert error.reason is Reason.TOO_MANY_REJECTED
        assert "id: duplicate_id" in str(error)


class TestBadFiles:
    def test_a_missing_header_is_named_with_those_that_are_there(self, tmp_path: Path) -> None:
        error = fault(tmp_path, "Id,Value,Owner\na,1,me\n")
        assert error.reason is Reason.SCHEMA
        assert "no header Amount" in str(error)
        assert "Id, Value, Owner" in str(error)

    def test_a_mapped_header_must_be_unique(self, tmp_path: Path) -> None:
        error = fault(tmp_path, "Id,Amount,Owner,Amount\na,1,me,2\n")
        assert "Amount more than once" in str(error)

    def test_unmapped_headers_may_repeat(self, tmp_path: Path) -> None:
        assert len(records_of(read(tmp_path, "Id,Amount,Owner,x,x\na,1,me,,\n"))) == 1

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        error = fault(tmp_path, None)
        assert error.reason is Reason.NOT_FOUND
        assert "deals.csv" in str(error)

    def test_a_folder_is_not_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "deals.csv").mkdir()
        assert fault(tmp_path, None).reason is Reason.NOT_FOUND

    def test_a_file_that_may_not_be_read_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError

        found = source(tmp_path, table(1))
        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(SourceRejectedError) as caught:
            run(pages_of(found))
        assert caught.value.reason is Reason.FORBIDDEN

    @pytest.mark.parametrize("text", [b"", b"\n\n"])
    def test_an_empty_file_is_an_error_and_never_zero_rows(self, tmp_path: Path, text: bytes) -> None:
        assert fault(tmp_path, text).reason is Reason.SCHEMA

    def test_an_unclosed_quote_is_an_error_of_the_file(self, tmp_path: Path) -> None:
        error = fault(tmp_path, 'Id,Amount,Owner\na,1,"me\n' + "x" * 200_000)
        assert error.reason is Reason.SCHEMA
        assert "quote" in str(error)

    def test_a_file_in_another_encoding_is_an_error_of_the_file(self, tmp_path: Path) -> None:
        assert "encoding" in str(fault(tmp_path, table(3), encoding="utf-16"))
        latin = "Id,Amount,Owner\n" + "".join(f"{n},1,Zoë\n" for n in range(10))
        assert fault(tmp_path, latin.encode("latin-1")).reason is Reason.TOO_MANY_REJECTED

    def test_a_file_that_changes_while_it_is_read_is_read_again_later(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = source(tmp_path, table(1500))
        make = csv_module.RecordMap.parse

        def grow(*given: Any) -> Any:
            with (tmp_path / "deals.csv").open("a") as file:
                file.write("more,1,me\n")
            return make(*given)

        monkeypatch.setattr(csv_module.RecordMap, "parse", grow)
        with pytest.raises(SourceUnavailableError) as caught:
            run(pages_of(found))
        assert caught.value.reason is Reason.PROTOCOL

    def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = source(tmp_path, table(1500))
        make = csv_module.RecordMap.parse

        def replace(*given: Any) -> Any:
            (tmp_path / "new.csv").write_text(table(1))
            (tmp_path / "new.csv").replace(tmp_path / "deals.csv")
            return make(*given)

        with monkeypatch.context() as patch:
            patch.setattr(csv_module.RecordMap, "parse", replace)
            pages = run(pages_of(found))
        assert len(records_of(pages)) == 1500
        assert len(records_of(run(pages_of(found, pages[-1].cursor)))) == 1


class TestCheck:
    def test_check_allows_a_valid_file(self, tmp_path: Path) -> None:
        found = source(tmp_path, table(1))
        assert run(found.check()) == (Access("deals", allowed=True),)
        assert (found.name, found.entities, found.lag.total_seconds()) == ("source", ("deals",), 0)
        run(found.close())

    def test_check_names_a_missing_file(self, tmp_path: Path) -> None:
        (access,) = run(source(tmp_path, None).check())
        assert not access.allowed
        assert "deals.csv" in access.missing

    def test_check_names_a_missing_header(self, tmp_path: Path) -> None:
        with pytest.raises(SourceRejectedError, match="no header"):
            run(source(tmp_path, "a,b\n").check())


def test_the_event_loop_runs_while_a_file_is_read(tmp_path: Path) -> None:
    found = source(tmp_path, table(5000))

    async def work() -> tuple[int, list[Record]]:
        turns = 0
        done = asyncio.Event()

        async def turn() -> None:
            nonlocal turns
            while not done.is_set():
                turns += 1
                await asyncio.sleep(0)

        turning = asyncio.ensure_future(turn())
        pages = await pages_of(found)
        done.set()
        await turning
        return turns, records_of(pages)

    turns, records = run(work())
    assert len(records) == 5000
    assert turns > 5
