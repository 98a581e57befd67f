"""The past does not look into the future: what a row says as of an instant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exporter.metrics.as_of import events_of
from exporter.metrics.values import Group, MeasuredValue, Window
from tests.metrics.queries import LEVEL, ask, company
from tests.metrics.stores import at, config_of, store_of

MONTH = at("2024-10-01")
MID_OCTOBER = Window(MONTH, at("2024-10-15"))
NOVEMBER = Window(MONTH, at("2024-11-01"))
MICROSECOND = timedelta(microseconds=1)

TICKETS = [
    {"status": "solved", "created_at": at(f"2024-10-0{day}"), "solved_at": at("2024-10-20")} for day in range(1, 10)
] + [{"status": "closed", "created_at": at("2024-10-10"), "solved_at": at("2024-10-20")}]


def _tickets(where: dict[str, Any], **keys: Any) -> dict[str, Any]:
    rule = {} if "during" in keys else {"at": "created_at"}
    aggregate = {} if {"min", "mean", "distinct"} & keys.keys() else {"count": "rows"}
    return {"name": "m", "entity": "tickets", "where": where, **rule, **aggregate, **keys}


def _count(rows: list[dict[str, Any]], metric: dict[str, Any], window: Window) -> float | None:
    return company(store_of(**{metric["entity"]: rows}), config_of(metric), window=window).value


@pytest.mark.parametrize(
    ("where", "in_mid_october", "in_november"),
    [
        ({"solved_at": {"present": True}}, 0, 10),
        ({"solved_at": {"present": False}}, 10, 0),
        ({"solved_at": {"gte": 0}}, 0, 10),
        ({"status": "solved"}, 0, 9),
        ({"status": ["solved", "closed"]}, 0, 10),
        ({"status": "open"}, 10, 0),
        ({"status": {"not": "open"}}, 0, 10),
    ],
)
def test_a_ticket_is_open_until_it_is_solved(where: dict[str, Any], in_mid_october: int, in_november: int) -> None:
    assert _count(TICKETS, _tickets(where), MID_OCTOBER) == in_mid_october
    assert _count(TICKETS, _tickets(where), NOVEMBER) == in_november


def test_a_backlog_by_status_has_open_tickets_only() -> None:
    metric = _tickets({}, during={"from": "created_at", "until": "solved_at"}, by=["status"])
    result = ask(store_of(tickets=TICKETS), config_of(metric), window=MID_OCTOBER, by=True)
    assert result == {Group(labels=("open",)): MeasuredValue(10.0, 10)}


def test_a_time_to_solve_is_unknown_until_the_ticket_is_solved() -> None:
    metric = _tickets({}, mean="solved_at - created_at")
    assert _count(TICKETS[:1], metric, MID_OCTOBER) is None
    assert _count(TICKETS[:1], metric, NOVEMBER) == 19 * 86400


def test_an_event_at_the_end_of_a_flow_has_not_happened() -> None:
    solved_at = at("2024-10-20")
    metric = _tickets({"status": "open"})
    assert _count(TICKETS, metric, Window(MONTH, solved_at)) == 10
    assert _count(TICKETS, metric, Window(MONTH, solved_at + MICROSECOND)) == 0


def test_an_event_at_the_instant_of_a_level_has_happened() -> None:
    replied_at = at("2024-10-20")
    rows = [{"created_at": MONTH, "first_reply_at": replied_at}]
    metric = _tickets({"first_reply_at": {"present": True}}, during={"from": "created_at", "until": "solved_at"})
    assert _count(rows, metric, Window(MONTH, replied_at - MICROSECOND)) == 0
    assert _count(rows, metric, Window(MONTH, replied_at)) == 1


EARLY, LATE = at("2024-10-05"), at("2024-10-20")


@pytest.mark.parametrize(
    ("stored", "qualified_at", "converted_at", "as_of_mid_october"),
    [
        ("converted", EARLY, EARLY, "converted"),
        ("converted", EARLY, LATE, "qualified"),
        ("converted", LATE, LATE, "new"),
        ("converted", None, LATE, "new"),
        ("converted", LATE, EARLY, "converted"),
        ("converted", None, None, "converted"),
        ("converted", EARLY, None, "converted"),
        ("converted", LATE, None, "new"),
        ("qualified", EARLY, None, "qualified"),
        ("qualified", LATE, None, "new"),
        ("qualified", None, None, "qualified"),
        ("working", LATE, LATE, "working"),
        ("lost", LATE, LATE, "lost"),
    ],
)
def test_a_lead_is_new_until_it_is_qualified_or_converted(
    stored: str, qualified_at: Any, converted_at: Any, as_of_mid_october: str
) -> None:
    lead = {"status": stored, "created_at": MONTH, "qualified_at": qualified_at, "converted_at": converted_at}
    metric = {"name": "m", "entity": "leads", "at": "created_at", "count": "rows", "by": ["status"]}
    result = ask(store_of(leads=[lead]), config_of(metric), window=MID_OCTOBER, by=True)
    assert list(result) == [Group(labels=(as_of_mid_october,))]


@pytest.mark.parametrize(
    ("entity", "event", "stored"), [("deals", "closed_at", "won"), ("deals", "closed_at", "lost"),
                                    ("invoices", "paid_at", "paid")],
)  # fmt: skip
def test_deals_and_invoices_are_open_until_their_event(entity: str, event: str, stored: str) -> None:
    opens = "issued_at" if entity == "invoices" else "created_at"
    metric = {"name": "m", "entity": entity, "at": opens, "count": "rows", "where": {"status": "open"}}
    rows: list[dict[str, Any]] = [{"status": stored, opens: MONTH, event: instant} for instant in (EARLY, LATE, None)]
    assert _count(rows, metric, MID_OCTOBER) == 1
    assert _count(rows, {**metric, "where": {"status": stored}}, MID_OCTOBER) == 2


def test_a_plan_is_read_as_it_is() -> None:
    invoice = {"issued_at": MONTH, "due_at": LATE}
    metric = {"name": "m", "entity": "invoices", "at": "issued_at", "count": "rows"}
    assert _count([invoice], {**metric, "where": {"due_at": {"present": True}}}, MID_OCTOBER) == 1


def test_a_metric_reads_the_events_of_its_filters_labels_and_spans_but_not_its_own_time() -> None:
    metrics = (
        _tickets({"status": "open"}, name="a"),
        _tickets({}, name="b", mean="solved_at - created_at"),
        _tickets({}, name="c", by=["status", "first_reply_at"]),
        {"name": "d", "entity": "deals", "at": "closed_at", "count": "rows", "where": {"status": "won"}},
        {"name": "e", "entity": "invoices", "at": "issued_at", "count": "rows", "where": {"due_at": {"present": True}}},
    )
    events = [set(events_of(metric)) for metric in config_of(*metrics).metrics]
    assert events == [{"solved_at"}, {"solved_at"}, {"solved_at", "first_reply_at"}, set(), set()]


RATES = {"USD": [{"rate": 0.5, "since": "2024-10-01"}, {"rate": 2, "since": "2024-10-10"}]}
DEALS = [
    {"amount": 1000, "currency": "EUR", "created_at": EARLY},
    {"amount": 1999, "currency": "USD", "created_at": EARLY},
    {"amount": 2000, "currency": "USD", "created_at": EARLY},
    {"amount": 5000, "currency": "XXX", "created_at": EARLY},
    {"currency": "XXX", "created_at": EARLY},
]


def test_money_is_compared_in_the_companys_currency_at_the_rate_of_the_row() -> None:
    metric = {"name": "m", "entity": "deals", "at": "created_at", "where": {"amount": {"gte": 1000}}}
    config = config_of({**metric, "count": "rows"}, company={"rates": RATES})
    assert company(store_of(deals=DEALS), config, window=MID_OCTOBER) == MeasuredValue(2.0, 2, 1)
    config = config_of({**metric, "sum": "amount"}, company={"rates": RATES})
    assert company(store_of(deals=DEALS), config, window=MID_OCTOBER) == MeasuredValue(2000.0, 2, 1)


def test_money_of_a_level_is_compared_at_the_rate_of_the_instant() -> None:
    metric = {"name": "m", "entity": "deals", "during": LEVEL, "count": "rows", "where": {"amount": {"gte": 1000}}}
    config = config_of(metric, company={"rates": RATES})
    assert company(store_of(deals=DEALS), config, window=MID_OCTOBER) == MeasuredValue(3.0, 3, 1)


def test_a_row_that_fails_another_test_is_not_held_out() -> None:
    where = {"amount": {"gte": 1000, "present": True}, "stage": "late"}
    metric = {"name": "m", "entity": "deals", "at": "created_at", "count": "rows", "where": where}
    assert company(store_of(deals=DEALS), config_of(metric), window=MID_OCTOBER) == MeasuredValue(0.0, 0, 0)
