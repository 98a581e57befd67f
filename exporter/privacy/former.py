"""Takes name and email from people whom no source has listed for as long as `privacy.keep_people` says.

A person's record counts as gone once a complete list lacks it, or its source says that it was deleted; a source that
is silent, or sends a part of its list, says nothing. Who is gone from every source gets a token. Whom the config names
keeps the name, because their targets and their place in a team would be lost with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from exporter.config.root import Config
from exporter.metrics.connection import Reader
from exporter.metrics.person_records import Human, load_records, merge_records
from exporter.privacy.known_by import KnownPersons
from exporter.store.replaced_names import PersonNames, TokenKind, is_token
from exporter.store.state import naive_utc
from exporter.store.store import Store

MAX_AT_ONCE = 200
"""Persons that are replaced in one transaction."""

_GONE = "SELECT source, id, name FROM people WHERE deleted AND (known_from <= ? OR known_from IS NULL)"
_SET_ASIDE = """
    SELECT record ->> 'email', record ->> 'name' FROM set_aside
    WHERE origin = 'people' AND record ->> 'deleted' = 'false'"""

_log = logging.getLogger(__name__)


def replace_former(store: Store, config: Config, now: datetime) -> int:
    """Gives a token to everyone who has been gone for too long; returns how many they were. Raises StoreError.

    Nothing else may use the store meanwhile.
    """
    keep, count = config.privacy.keep_people, 0
    while keep is not None and are_former(store, config, now):
        replacement = store.replace_persons(TokenKind.FORMER, lambda reader: _names(reader, config, now - keep))
        count += len(replacement.tokens)
        for name in replacement.files_left:
            _log.warning("%s was not searched for former people: delete it once you do not need it", name)
        if not replacement.tokens:
            break
    if count:
        _log.info("%d people whom no source lists any more lost their names", count)
    return count


def are_former(store: Store, config: Config, now: datetime) -> bool:
    """True if somebody has been gone for too long. Raises StoreError."""
    keep: timedelta | None = config.privacy.keep_people
    if keep is None:
        return False
    with store.reading() as reader:
        return next(_former(reader, config, now - keep), None) is not None


def _names(reader: Reader, config: Config, before: datetime) -> tuple[PersonNames, ...]:
    former = tuple(islice(_former(reader, config, before), MAX_AT_ONCE))
    persons = KnownPersons(reader, config) if former else None
    return tuple(_unshared(persons.names(human.label)) for human in former) if persons is not None else ()


def _unshared(names: PersonNames) -> PersonNames:
    """Without texts that mean other people, too."""
    return replace(names, texts=names.unique_texts, labels=(names.labels - names.texts) | names.unique_texts)


def _former(reader: Reader, config: Config, before: datetime) -> Iterator[Human]:
    """Everyone whose records all were gone by then, and who still has a name."""
    rows = reader.execute(_GONE, [naive_utc(before)]).fetchall()
    gone = {(source, row_id) for source, row_id, name in rows if not is_token(name)}
    if not gone:
        return
    kept = _named_in(config) | {
        text.casefold() for row in reader.execute(_SET_ASIDE).fetchall() for text in row if text
    }
    for human in merge_records(load_records(reader, [source.name for source in config.sources])):
        names = {human.label, *(text for record in human.records for text in (record.id, record.email, record.name))}
        if all((record.source, record.id) in gone for record in human.records) and not _folded(names) & kept:
            yield human


def _named_in(config: Config) -> set[str]:
    """Whom teams and targets name, by id, email or name."""
    members = [member.person for team in config.teams for member in team.members]
    members += [team.lead for team in config.teams if team.lead is not None]
    targets = (kpi.target for kpi in config.kpis if isinstance(kpi.target, tuple))
    return _folded({*members, *(entry.person for target in targets for entry in target if entry.person is not None)})


def _folded(names: set[str]) -> set[str]:
    return {name.strip().casefold() for name in names if name.strip()}
