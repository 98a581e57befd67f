"""The list of replaced persons outlives the store: damage, rebuilds and backups of before bring nobody back."""

from __future__ import annotations

import logging
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.config.fields import Scope
from exporter.errors import StoreError
from exporter.metrics.values import Group, MeasuredValue, Question
from exporter.privacy.forget import forget_person
from exporter.privacy.former import replace_former
from exporter.seals import LedgerEntries
from exporter.store.opening import DataFiles
from exporter.store.replaced_names import LIST_NAME, ReplacedNames
from exporter.store.restore import prepare_restore, restore
from exporter.store.store import Store
from tests.privacy.test_forget import (
    CONFIG,
    EMAIL,
    MARCH,
    NAME,
    deals,
    deliver,
    figures,
    fill,
    of_scope,
    people,
    traces,
)
from tests.privacy.test_former import config as keeping
from tests.privacy.test_former import leave
from tests.store.samples import HOUR, NOW, no_file_beyond, rows
from tests.store.test_ledger import ADAS, RESTATEMENT, SEAL


def tokens(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(ReplacedNames.stored(connection).tokens.values())


def test_a_rebuild_brings_no_forgotten_person_back(store: Store) -> None:
    fill(store)
    token = forget_person(store, CONFIG, EMAIL, NOW)["token"]
    folder = store.path.parent
    store.close()
    store.path.write_bytes(b"damaged")
    store = Store.open(folder, on_corrupt="rebuild")
    assert store.rebuilds == 1
    deliver(store, "crm", NOW + HOUR, people=people(), deals=deals())
    persons = figures(store)[Question("won", MARCH, Scope.PERSON)]
    assert persons == {Group("North", token): MeasuredValue(103.0, 2), Group("North", "Bob"): MeasuredValue(20.0, 1)}
    assert traces(folder) == [] or {trace for _, trace in traces(folder)} == {NAME.encode()}, "in titles of deals"
    store.close()


def test_a_rebuild_while_the_store_is_open_brings_nobody_back(store: Store) -> None:
    fill(store)
    forget_person(store, CONFIG, EMAIL, NOW)
    known = tokens(store)
    store.decide_damage("rebuild")
    store.path.unlink()
    store.recover()
    assert (store.rebuilds, tokens(store)) == (1, known)


@pytest.mark.parametrize("running", [False, True])
def test_a_backup_from_before_brings_no_forgotten_person_back(store: Store, tmp_path: Path, *, running: bool) -> None:
    fill(store)
    store.write_ledger(LedgerEntries((SEAL, ADAS), (RESTATEMENT,)))
    before = of_scope(store, Scope.COMPANY, Scope.TEAM)
    backup = tmp_path / "before.backup"
    store.backup(backup, NOW)
    token = forget_person(store, CONFIG, EMAIL, NOW)["token"]
    folder = store.path.parent
    if running:
        prepare_restore(DataFiles.of(folder), backup, NOW)
        store.open_restored()
    else:
        store.close()
        restore(folder, backup, NOW)
        store = Store.open(folder, on_corrupt="fail")
    assert of_scope(store, Scope.COMPANY, Scope.TEAM) == before
    assert figures(store)[Question("won", MARCH, Scope.PERSON)][Group("North", token)] == MeasuredValue(103.0, 2)
    assert (store.seals(), store.restatements()) == ((SEAL,), ())
    store.close()
    assert traces(folder) == []


def test_a_backup_from_before_brings_no_name_of_a_former_person_back(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.write_ledger(LedgerEntries((ADAS,), ()))
    backup = tmp_path / "before.backup"
    store.backup(backup, NOW)
    leave(store)
    replace_former(store, keeping(), NOW + timedelta(days=60))
    prepare_restore(DataFiles.of(store.path.parent), backup, NOW)
    store.open_restored()
    ((_, label),) = {
        (group.team, group.person) for group in of_scope(store, Scope.PERSON)[Question("tickets", MARCH, Scope.PERSON)]
    }
    assert str(label).startswith("former-")
    assert [seal.person for seal in store.seals()] == [label]
    assert traces(store.path.parent) == []


def test_a_store_of_another_directory_keeps_its_own_list_and_gets_the_one_here(store: Store, tmp_path: Path) -> None:
    fill(store)
    forget_person(store, CONFIG, EMAIL, NOW)
    other = Store.open(tmp_path / "other")
    fill(other)
    forget_person(other, CONFIG, "bob@example.org", NOW)
    backup = tmp_path / "other.backup"
    other.backup(backup, NOW)
    both = tokens(store) | tokens(other)
    other.close()
    prepare_restore(DataFiles.of(store.path.parent), backup, NOW)
    store.open_restored()
    assert tokens(store) == both
    deliver(store, "crm", NOW + HOUR, people=people(), deals=deals())
    assert [name for (name,) in rows(store, "name", "people") if name in (NAME, "Bob")] == []


def test_the_list_is_for_its_owner_only_and_has_no_name(store: Store) -> None:
    fill(store)
    forget_person(store, CONFIG, EMAIL, NOW)
    path = store.path.with_name(LIST_NAME)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(text in path.read_text().casefold() for text in ("lovelace", "example.org", "4711"))


def test_a_missing_or_damaged_list_is_written_again_from_the_store(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    fill(store)
    forget_person(store, CONFIG, EMAIL, NOW)
    path, folder = store.path.with_name(LIST_NAME), store.path.parent
    good = ReplacedNames.load(path)
    for content in (None, b"", b"[1]", b'{"keys": 1}'):
        store.close()
        path.unlink() if content is None else path.write_bytes(content)
        with caplog.at_level(logging.ERROR):
            store = Store.open(folder, on_corrupt="fail")
        assert ReplacedNames.load(path) == good
    assert sum("kpi.forgotten is damaged" in record.message for record in caplog.records) == 3
    store.close()


def test_without_room_for_the_list_nobody_is_forgotten(store: Store) -> None:
    fill(store)
    store.path.with_name(f"{LIST_NAME}.new").mkdir()
    with pytest.raises(StoreError, match=r"kpi\.forgotten cannot be written"):
        forget_person(store, CONFIG, EMAIL, NOW)
    assert NAME in [name for (name,) in rows(store, "name", "people")]


def test_who_could_not_be_brought_back_for_lack_of_space_stays_replaced_until_the_next_list(store: Store) -> None:
    fill(store)
    leave(store)
    replace_former(store, keeping(), NOW + timedelta(days=60))
    with no_file_beyond(0), pytest.raises(StoreError):
        deliver(store, "crm", NOW + timedelta(days=61), people=people())
    deliver(store, "crm", NOW + timedelta(days=61), deals=deals())
    assert {str(owner).split("-")[0] for (owner,) in rows(store, "owner")} == {"former", "u2"}
    deliver(store, "crm", NOW + timedelta(days=62), people=people())
    assert [owner for (owner,) in rows(store, "owner") if "former" in owner] == []
