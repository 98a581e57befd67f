"""What each person in the store is known by, in all versions of all records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from exporter.config.root import Config
from exporter.metrics.connection import Reader
from exporter.metrics.lookup_tables import all_owners
from exporter.metrics.people import Directory
from exporter.records import ENTITIES, person_column
from exporter.store.replaced_names import PersonNames

_TABLES = ("people", "people_versions")


class KnownPersons:
    """Everyone whom records name. Load it once per question, because it reads the owners of all records."""

    def __init__(self, reader: Reader, config: Config) -> None:
        self._reader = reader
        self._directory = Directory.load(reader, config)
        self._owners: dict[int, set[tuple[str, str]]] = defaultdict(set)
        owned = [entity for entity in ENTITIES if person_column(entity) is not None]
        for owner in (*all_owners(reader, owned), *_managers(reader)):
            if (person := self._directory.owner(*owner)) is not None:
                self._owners[person].add(owner)

    def labels(self, text: str) -> tuple[str, ...]:
        """The labels of those whom an id, email or name may mean."""
        return self._directory.matches(text)

    def names(self, label: str) -> PersonNames:
        """What the person with this label is known by."""
        person = self._directory.person(label)
        records, owners = self._directory.records(person), self._owners[person]
        texts = {*_texts(self._reader, records), *(owner for _, owner in owners)} - {row_id for _, row_id in records}
        unique = {each for each in texts if self.labels(each) in ((label,), ())}
        return PersonNames(
            records=frozenset(records),
            owners=frozenset(owners),
            texts=frozenset(texts),
            labels=frozenset({label, *texts}),
            unique_texts=frozenset(unique),
        )


def _managers(reader: Reader) -> list[tuple[str, str]]:
    query = "SELECT DISTINCT source, manager FROM {} WHERE manager IS NOT NULL"
    return [pair for table in _TABLES for pair in reader.execute(query.format(table)).fetchall()]


def _texts(reader: Reader, records: Iterable[tuple[str, str]]) -> set[str]:
    """Emails and names in all versions of the records."""
    query = "SELECT name, email FROM {} WHERE source = ? AND id = ?"
    queries = [query.format(table) for table in _TABLES]
    rows = [row for record in records for query in queries for row in reader.execute(query, record).fetchall()]
    return {text.strip() for row in rows for text in row if text and text.strip()}
