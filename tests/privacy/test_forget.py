"""A forgotten person is nowhere in the data directory, stays forgotten, and changes no figure of company or team."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Scope
from exporter.errors import ControlError, ExitCode
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.values import Group, MeasuredValue, Question, Window
from exporter.passes import Listing, Page
from exporter.privacy.forget import forget_person
from exporter.records import Deal, Person, Ticket
from exporter.seals import LedgerEntries
from exporter.store.store import Store
from tests.metrics.queries import metric
from tests.metrics.stores import config_of
from tests.store.samples import HOUR, NOW, rows
from tests.store.test_ledger import ADAS, RESTATEMENT, SEAL

CONFIG = config_of(
    metric(name="won", entity="deals", at="created_at", sum="amount"),
    metric(name="tickets", entity="tickets", at="created_at", count="rows"),
)
EMAIL, NAME, ID, OTHER_ID = "ada.lovelace@example.org", "Ada Lovelace", "crm-4711-ada", "desk-0815-ada"
TRACES = [EMAIL.encode(), b"ADA.LOVELACE@EXAMPLE.ORG", NAME.encode(), ID.encode(), OTHER_ID.encode(), b"Ada Byron"]
MARCH = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))


def people(*, name: str = NAME, team: str = "North") -> tuple[Person, ...]:
    ada = Person(id=ID, name=name, email=EMAIL, team=team, active=True, attributes={"phone": "1", "mail": EMAIL})
    return (
        ada, Person(id="u2", name="Bob", email="bob@example.org", team="North", manager=ID),
        Person(id="u3", name="Cy Ng", email="cy@example.org", team="South"),
    )  # fmt: skip


def deals() -> tuple[Deal, ...]:
    row: dict[str, Any] = {"created_at": NOW, "updated_at": NOW}
    return (
        Deal(id="1", amount=Decimal(100), owner=ID, attributes={"seller": NAME, "note": f"call {NAME}!"}, **row),
        Deal(id="2", amount=Decimal(20), owner="u2", name=f"Offer of {NAME}", **row),
        Deal(id="3", amount=Decimal(3), owner=EMAIL.upper(), **row),
    )


def deliver(store: Store, source: str, at: Any, **pages: Any) -> None:
    store.deliver(source, {entity: Page(records, listing=Listing()) for entity, records in pages.items()}, at)


def fill(store: Store) -> None:
    """Ada in two sources, once under her former name, with deals by id and by email, and a ticket."""
    deliver(store, "crm", NOW, people=people(name="Ada Byron", team="South"), deals=deals())
    deliver(store, "crm", NOW + HOUR, people=people(), deals=deals())
    desk = Person(id=OTHER_ID, name=NAME, email=EMAIL)
    deliver(store, "desk", NOW, people=(desk,), tickets=(Ticket(id="t", agent=OTHER_ID, created_at=NOW),))
    sync_pass = store.begin("phones", "people", NOW)
    store.stage(sync_pass, "phones", Page((Person(id="p1", name=NAME),), resume="next"))
    store.save_snapshot(NAME.encode(), EMAIL.encode(), NOW)


def figures(store: Store) -> Mapping[Any, Any]:
    questions = [
        Question(name, MARCH, scope)
        for name in ("won", "tickets")
        for scope in (Scope.COMPANY, Scope.TEAM, Scope.PERSON)
    ]
    with store.reading() as reader:
        result = answer_questions(reader, CONFIG, questions)
    assert not result.failed
    return result.answers


def of_scope(store: Store, *scopes: Scope) -> dict[Any, Any]:
    return {question: values for question, values in figures(store).items() if question.scope in scopes}


def traces(folder: Path) -> list[tuple[str, bytes]]:
    return [
        (path.name, trace)
        for path in folder.rglob("*")
        if path.is_file()
        for trace in TRACES
        if trace in path.read_bytes()
    ]


@pytest.mark.parametrize("known_as", [ID, EMAIL, NAME, "ADA lovelace"])
def test_nothing_identifies_a_forgotten_person_and_no_figure_changes(store: Store, known_as: str) -> None:
    fill(store)
    before = of_scope(store, Scope.COMPANY, Scope.TEAM)
    south = before[Question("won", MARCH, Scope.TEAM)][Group("South")]
    assert south == MeasuredValue(103.0, 2), "her team at the time, from a version of her record"
    receipt = forget_person(store, CONFIG, known_as, NOW + 2 * HOUR)
    assert of_scope(store, Scope.COMPANY, Scope.TEAM) == before
    folder = store.path.parent
    assert traces(folder) == []
    store.close()
    assert traces(folder) == []
    assert set(receipt) == {"receipt", "at", "program", "token", "replaced", "files_deleted", "files_left"}
    assert receipt["at"] == "2025-11-19T16:30:00+00:00"
    assert receipt["replaced"]["people"] == 3, "two records and a version"
    assert receipt["replaced"]["snapshots"] == 1
    assert not any(trace.decode().casefold() in str(receipt).casefold() for trace in TRACES)


def test_the_receipt_names_former_stores_which_are_not_searched(store: Store) -> None:
    fill(store)
    names = ["kpi.duckdb.damaged-1", "kpi.duckdb.former-2", "kpi.duckdb.salvaged"]
    for name in names:
        (store.path.parent / name).touch()
    assert forget_person(store, CONFIG, NAME, NOW)["files_left"] == names


def test_the_persons_own_figures_go_on_under_the_token(store: Store) -> None:
    fill(store)
    token = forget_person(store, CONFIG, NAME, NOW)["token"]
    persons = figures(store)[Question("won", MARCH, Scope.PERSON)]
    assert persons == {Group("North", token): MeasuredValue(103.0, 2), Group("North", "Bob"): MeasuredValue(20.0, 1)}
    assert figures(store)[Question("tickets", MARCH, Scope.PERSON)] == {Group("North", token): MeasuredValue(1.0, 1)}
    assert [row for row in rows(store, "id, manager", "people") if row[1]] == [("u2", token)]


def test_a_source_that_still_lists_the_person_does_not_bring_them_back(store: Store) -> None:
    fill(store)
    before = of_scope(store, Scope.COMPANY, Scope.TEAM)
    forget_person(store, CONFIG, EMAIL, NOW)
    folder = store.path.parent
    store.close()
    store = Store.open(folder, on_corrupt="fail")
    deliver(store, "crm", NOW + 3 * HOUR, people=people(), deals=deals())
    results = store.deliver("crm", {"deals": Page(deals()[:1])}, NOW + 3 * HOUR)["deals"].results
    assert results == {"1": "unchanged"}
    fresh = (Person(id="hr-new", name=NAME, email=EMAIL),)
    sync_pass = store.begin("hr", "people", NOW)
    store.stage(sync_pass, "hr", Page(fresh))
    store.publish("hr", "people")
    assert of_scope(store, Scope.COMPANY, Scope.TEAM) == before
    store.close()
    found = {trace for _, trace in traces(folder)}
    assert found <= {b"Ada Lovelace"}, "in the title and the note of deals that were delivered again"


def test_receipts_of_a_post_name_the_ids_that_were_posted(store: Store) -> None:
    fill(store)
    forget_person(store, CONFIG, EMAIL, NOW)
    results = store.deliver("crm", {"people": Page(people())}, NOW + 3 * HOUR)["people"].results
    assert set(results) == {ID, "u2", "u3"}


def test_the_ledger_forgets_the_persons_own_results(store: Store) -> None:
    fill(store)
    store.write_ledger(LedgerEntries((SEAL, ADAS), (RESTATEMENT,)))
    assert forget_person(store, CONFIG, EMAIL, NOW)["replaced"]["ledger"] == 2
    assert (store.seals(), store.restatements()) == ((SEAL,), ())


def test_what_is_set_aside_is_searched_too(store: Store) -> None:
    fill(store)
    store.retain({"crm": ("people", "deals")}, pushed={"crm": ()}, at=NOW)
    assert store.removed_sources()
    kept = store.removed_sources()
    forget_person(store, CONFIG, EMAIL, NOW)
    assert store.removed_sources() == kept
    assert traces(store.path.parent) == []
    store.retain({"desk": ("people", "tickets")}, pushed={"desk": ()}, at=NOW)
    ((agent,),) = rows(store, "agent", "tickets")
    assert agent.startswith("forgotten-")


@pytest.mark.parametrize(("text", "message"), [("Nobody", "nobody is known"), ("Cy", "nobody"), ("", "nobody")])
def test_an_unknown_person_is_refused(store: Store, text: str, message: str) -> None:
    fill(store)
    with pytest.raises(ControlError, match=message) as caught:
        forget_person(store, CONFIG, text, NOW)
    assert caught.value.code is ExitCode.USAGE
    assert len(rows(store, "id", "people")) == 4


def test_an_ambiguous_name_is_refused_with_the_list(store: Store) -> None:
    twins = tuple(Person(id=f"u{n}", name="Jo Doe", email=f"jo{n}@example.org") for n in (1, 2))
    deliver(store, "crm", NOW, people=twins)
    with pytest.raises(ControlError, match=r"several persons(.|\n)*jo1@example.org(.|\n)*jo2@example.org"):
        forget_person(store, CONFIG, "Jo Doe", NOW)
    assert len(rows(store, "id", "people")) == 2
    assert forget_person(store, CONFIG, "jo1@example.org", NOW)["replaced"]["people"] == 1
    assert ("u2", "Jo Doe") in rows(store, "id, name", "people")


def test_an_owner_whom_no_source_lists_is_forgotten_too(store: Store) -> None:
    row: dict[str, Any] = {"created_at": NOW, "amount": Decimal(1)}
    deliver(store, "crm", NOW, deals=(Deal(id="1", owner=NAME, **row), Deal(id="2", owner="Bo Ek", **row)))
    token = forget_person(store, CONFIG, NAME, NOW)["token"]
    assert rows(store, "owner") == [(token,), ("Bo Ek",)]
    deliver(store, "crm", NOW + HOUR, deals=(Deal(id="3", owner=NAME, **row),))
    assert rows(store, "owner")[-1] == (token,)
    assert traces(store.path.parent) == []
