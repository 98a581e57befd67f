"""People whom no source lists any more lose name and email in time, change no figure, and get both back if they return."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from exporter.config.fields import Scope
from exporter.errors import Reason
from exporter.metrics.values import Group, MeasuredValue, Question
from exporter.passes import Listing, Page
from exporter.privacy import former
from exporter.privacy.former import replace_former
from exporter.records import Person
from exporter.seals import LedgerEntries
from exporter.store.store import Store
from tests.metrics.queries import metric
from tests.metrics.stores import config_of
from tests.privacy.test_forget import (
    EMAIL,
    ID,
    MARCH,
    NAME,
    OTHER_ID,
    deals,
    deliver,
    figures,
    fill,
    of_scope,
    people,
    traces,
)
from tests.store.samples import HOUR, NOW, rows
from tests.store.test_ledger import ADAS, RESTATEMENT, SEAL

DAY = timedelta(days=1)
METRICS = (
    metric(name="won", entity="deals", at="created_at", sum="amount"),
    metric(name="tickets", entity="tickets", at="created_at", count="rows"),
)


def config(**sections: Any) -> Any:
    return config_of(*METRICS, **{"privacy": {"keep_people": "30d"}, **sections})


def leave(store: Store, at: datetime = NOW + 2 * HOUR) -> None:
    """Both sources send complete lists without Ada."""
    deliver(store, "crm", at, people=people()[1:])
    deliver(store, "desk", at, people=())


def test_who_is_gone_for_longer_than_that_loses_name_and_email_and_no_figure_changes(store: Store) -> None:
    fill(store)
    leave(store)
    store.write_ledger(LedgerEntries((SEAL, ADAS), (RESTATEMENT,)))
    before = of_scope(store, Scope.COMPANY, Scope.TEAM)
    assert replace_former(store, config(), NOW + 2 * HOUR + 30 * DAY - HOUR) == 0
    assert traces(store.path.parent) != []
    assert replace_former(store, config(), NOW + 2 * HOUR + 30 * DAY) == 1
    folder = store.path.parent
    assert traces(folder) == []
    assert of_scope(store, Scope.COMPANY, Scope.TEAM) == before
    (label,) = {group.person for group in figures(store)[Question("won", MARCH, Scope.PERSON)]} - {"Bob"}
    assert label is not None
    assert label.startswith("former-")
    assert figures(store)[Question("won", MARCH, Scope.PERSON)][Group("North", label)] == MeasuredValue(103.0, 2)
    assert {seal.person for seal in store.seals()} == {None, label}
    assert {restatement.person for restatement in store.restatements()} == {label}
    assert replace_former(store, config(), NOW + 60 * DAY) == 0
    out = folder.parent / "next.backup"
    store.backup(out, NOW)
    assert b"Lovelace" not in out.read_bytes()


def test_without_the_setting_everybody_stays(store: Store) -> None:
    fill(store)
    leave(store)
    assert replace_former(store, config_of(*METRICS), NOW + 9999 * DAY) == 0
    assert (ID, NAME) in rows(store, "id, name", "people")


def test_silence_a_failure_and_a_part_of_the_list_start_no_clock(store: Store) -> None:
    fill(store)
    deliver(store, "desk", NOW, people=())
    store.deliver("crm", {"people": Page(people()[1:])}, NOW)
    sync_pass = store.begin("crm", "people", NOW, full=True)
    store.stage(sync_pass, "crm", Page(people()[1:]))
    store.fail("crm", "people", Reason.TIMEOUT, NOW, abandon=sync_pass)
    assert replace_former(store, config(), NOW + 9999 * DAY) == 0
    assert (ID, NAME) in rows(store, "id, name", "people")


def test_who_is_still_listed_by_one_source_keeps_their_name_everywhere(store: Store) -> None:
    fill(store)
    deliver(store, "crm", NOW, people=people()[1:])
    assert replace_former(store, config(), NOW + 9999 * DAY) == 0


def test_the_clock_starts_anew_when_somebody_leaves_again(store: Store) -> None:
    fill(store)
    leave(store)
    deliver(store, "crm", NOW + 20 * DAY, people=people())
    leave(store, NOW + 25 * DAY)
    assert replace_former(store, config(), NOW + 40 * DAY) == 0
    assert replace_former(store, config(), NOW + 55 * DAY) == 1


@pytest.mark.parametrize("named", [NAME, EMAIL.upper(), ID])
def test_whom_the_config_names_keeps_their_name(store: Store, named: str) -> None:
    fill(store)
    leave(store)
    teams = [{"name": "North", "members": [{"person": named}]}]
    assert replace_former(store, config(teams=teams), NOW + 9999 * DAY) == 0


def test_what_sources_still_deliver_about_a_former_person_gets_the_token(store: Store) -> None:
    fill(store)
    leave(store)
    replace_former(store, config(), NOW + 60 * DAY)
    before = of_scope(store, Scope.COMPANY, Scope.TEAM)
    deliver(store, "crm", NOW + 61 * DAY, people=people()[1:], deals=deals())
    gone = Person(id=ID, name=NAME, email=EMAIL, deleted=True, updated_at=NOW + 61 * DAY)
    store.deliver("crm", {"people": Page((gone,))}, NOW + 61 * DAY)
    assert of_scope(store, Scope.COMPANY, Scope.TEAM) == before
    store.close()
    assert {trace for _, trace in traces(store.path.parent)} <= {b"Ada Lovelace"}, "in titles that were delivered anew"


@pytest.mark.parametrize("reopened", [False, True])
def test_who_is_listed_again_gets_name_and_email_back(store: Store, *, reopened: bool) -> None:
    fill(store)
    before = figures(store)
    leave(store)
    store.write_ledger(LedgerEntries((SEAL, ADAS), (RESTATEMENT,)))
    replace_former(store, config(), NOW + 60 * DAY)
    if reopened:
        store.close()
        store = Store.open(store.path.parent, on_corrupt="fail")
    unfinished = store.begin("crm", "deals", NOW + 61 * DAY, full=True)
    store.stage(unfinished, "crm", Page(deals(), resume="next"))
    back = Person(id=ID, name="Ada King", email=EMAIL, team="North", active=True)
    deliver(store, "crm", NOW + 61 * DAY, people=(back, *people()[1:]))
    store.publish("crm", "deals", full=True)
    persons = figures(store)[Question("won", MARCH, Scope.PERSON)]
    assert persons[Group("North", "Ada King")] == MeasuredValue(103.0, 2)
    assert figures(store)[Question("won", MARCH, Scope.TEAM)] == before[Question("won", MARCH, Scope.TEAM)]
    assert figures(store)[Question("tickets", MARCH, Scope.PERSON)] == {
        Group("North", "Ada King"): MeasuredValue(1.0, 1)
    }
    assert "former-" not in str(rows(store, "owner, name, attributes")) + str(rows(store, "name, manager", "people"))
    assert {seal.person for seal in store.seals()} == {None, "Ada King"}
    deliver(store, "desk", NOW + 62 * DAY, people=(Person(id=OTHER_ID, name="Ada King", email=EMAIL),))
    assert figures(store)[Question("tickets", MARCH, Scope.PERSON)] == {
        Group("North", "Ada King"): MeasuredValue(1.0, 1)
    }
    store.close()


def test_who_comes_back_under_another_id_is_known_by_their_email(store: Store) -> None:
    fill(store)
    leave(store)
    replace_former(store, config(), NOW + 60 * DAY)
    sync_pass = store.begin("hr", "people", NOW + 61 * DAY)
    store.stage(sync_pass, "hr", Page((Person(id="4", name=NAME, email=EMAIL, team="North"),)))
    store.publish("hr", "people", listing=Listing())
    persons = figures(store)[Question("won", MARCH, Scope.PERSON)]
    assert persons[Group("North", NAME)] == MeasuredValue(103.0, 2)


def test_many_people_leave_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former, "MAX_AT_ONCE", 2)
    deliver(store, "crm", NOW, people=tuple(Person(id=f"u{n}", name=f"Person {n}") for n in range(5)))
    deliver(store, "crm", NOW, people=())
    assert replace_former(store, config(), NOW + 60 * DAY) == 5
    assert all(name.startswith("former-") for (name,) in rows(store, "name", "people"))


def test_records_of_a_removed_push_source_keep_their_people(store: Store) -> None:
    fill(store)
    store.retain({"crm": ("people", "deals")}, pushed={"crm": ()}, at=NOW)
    deliver(store, "crm", NOW, people=people()[1:])
    assert store.removed_sources()
    assert replace_former(store, config(), NOW + 60 * DAY) == 0
