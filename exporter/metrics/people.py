"""Who owns a record, and which team they are in at which time.

The config's dated memberships say so; at other times the team is the one that the sources named then.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from exporter.config.root import Config
from exporter.metrics.connection import Reader
from exporter.metrics.label_values import label_value
from exporter.metrics.person_records import Human, PersonRecord, load_records, merge_records
from exporter.metrics.team_spans import NO_TEAM, TeamSpan, home_spans, with_memberships
from exporter.metrics.values import LAST, Roster, local_midnight
from exporter.naming import OTHER

MAX_UNLISTED = 1000
"""The number of unlisted owners with a series each; all others share one."""


@dataclass(slots=True)
class PersonIndex:
    """Finds persons, which are numbers, by id, email or name. A key that several share finds none of them."""

    by_source: dict[tuple[str, str], int] = field(default_factory=dict)
    by_id: dict[str, tuple[int, ...]] = field(default_factory=dict)
    by_email: dict[str, int] = field(default_factory=dict)
    by_name: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def add(self, person: int, human: Human) -> None:
        """Adds a person under all keys in their records."""
        for record in human.records:
            self.by_source.setdefault((record.source, record.id), person)
            _add_to(self.by_id, record.id, person)
            if record.email:
                self.by_email[record.email.casefold()] = person
            if record.name:
                _add_to(self.by_name, record.name.casefold(), person)

    def owner(self, source: str, text: str) -> int | None:
        """The person with this id in the source, else the only one with this id, else by email or name."""
        return self.by_source[source, text] if (source, text) in self.by_source else self.named(text)

    def named(self, text: str) -> int | None:
        """The only person with this id, else the one with this email, else the only one with this name."""
        return _only(self.matches(text))

    def matches(self, text: str) -> tuple[int, ...]:
        """The persons whom a text may mean: one if it finds a person, none if nobody is listed under it."""
        by_id, email = self.by_id.get(text, ()), text.casefold()
        if len(by_id) == 1:
            return by_id
        if email in self.by_email:
            return (self.by_email[email],)
        return self.by_name.get(label_value(text).casefold()) or by_id


def _add_to(index: dict[str, tuple[int, ...]], key: str, person: int) -> None:
    """Adds a person once. Tuples, because most have one member, and a set of one takes four times as much memory."""
    members = index.get(key, ())
    if person not in members:
        index[key] = (*members, person)


def _only(persons: tuple[int, ...]) -> int | None:
    return persons[0] if len(persons) == 1 else None


class Directory:
    """Everyone whose records are measured. A person is a number counting up from 0, a team its index in `teams`.

    Owners whom no source lists become persons when they are first looked up. Load it once per evaluation.
    """

    def __init__(self, records: Iterable[PersonRecord], config: Config) -> None:
        self._index = PersonIndex()
        self._labels: list[str] = []
        self._spans: list[tuple[TeamSpan, ...]] = []
        self._unlisted: dict[str, int] = {}
        self._used_labels: set[str] = set()
        self._absences: dict[int, tuple[tuple[datetime, datetime], ...]] = {}
        self._numbers: dict[str, int] = {}
        self._emails: dict[int, str] = {}
        self._rosters: dict[int, Roster] = {}
        self._add(merge_records(records), config)
        self.teams = tuple(sorted({span.team for spans in self._spans for span in spans if span.team is not None}))
        absent = (instant for absences in self._absences.values() for absence in absences for instant in absence)
        self._changes = sorted({*(span.since for spans in self._spans for span in spans), *absent})

    @classmethod
    def load(cls, reader: Reader, config: Config) -> Directory:
        """Everyone whom the sources list: those not deleted and active first, then in the config's order of sources.

        People whose record was deleted still own their records.
        """
        return cls(load_records(reader, [source.name for source in config.sources]), config)

    def owner(self, source: str, owner: str) -> int | None:
        """The person behind an owner: one that sources or teams list, else one of that name; None if it is blank."""
        text = owner.strip()
        person = self._index.owner(source, text) if text else None
        return self._unlisted_person(text) if text and person is None else person

    def label(self, person: int) -> str:
        """The person's name in series; it is unique."""
        return self._labels[person]

    def emails(self, labels: Iterable[str], at: datetime) -> dict[str, str]:
        """The emails of those persons with these labels who are active at an instant and whose email is known."""
        numbers = ((label, self._numbers.get(label)) for label in labels)
        return {
            label: self._emails[number]
            for label, number in numbers
            if number in self._emails and not self._is_absent(number, at)
        }

    def person(self, label: str) -> int:
        """The person with this label; raises ValueError if there is none."""
        return self._labels.index(label)

    def records(self, person: int) -> tuple[tuple[str, str], ...]:
        """The (source, id) of the person's records."""
        return tuple(record for record, number in self._index.by_source.items() if number == person)

    def spans(self, person: int) -> tuple[TeamSpan, ...]:
        """The person's teams over all time, without gaps."""
        return self._spans[person]

    def team(self, person: int, at: datetime) -> str | None:
        """The person's team at an instant."""
        spans = self._spans[person]
        return next((span.team for span in spans if at < span.until), spans[-1].team)

    def era(self, at: datetime) -> int:
        """A number that differs between two instants only if somebody changed team, left or came in between."""
        return bisect_right(self._changes, at)

    def matches(self, text: str) -> tuple[str, ...]:
        """Labels of the persons whom a text in a target may mean, by id, email, name or label; several if unclear."""
        key = label_value(text.strip()).casefold()
        labels = sorted(self._labels[person] for person in self._index.matches(text.strip()))
        return tuple(labels) or tuple(label for label in self._labels if label.casefold() == key)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels and emails of all persons."""
        return (*self._labels, *self._index.by_email)

    def roster(self, at: datetime) -> Roster:
        """Who is in which team and active at an instant; the same object as long as neither changes."""
        era = self.era(at)
        if era not in self._rosters:
            members: dict[str, set[str]] = defaultdict(set)
            for person, label in enumerate(self._labels):
                team = self.team(person, at)
                if team is not None and not self._is_absent(person, at):
                    members[team.casefold()].add(label)
            self._rosters[era] = Roster({team: frozenset(labels) for team, labels in members.items()}, self._label_of)
        return self._rosters[era]

    def _is_absent(self, person: int, at: datetime) -> bool:
        return any(since <= at < until for since, until in self._absences.get(person, ()))

    def _label_of(self, text: str) -> str | None:
        labels = self.matches(text) or (text.strip(),)
        return labels[0] if len(labels) == 1 else None

    def _add(self, humans: tuple[Human, ...], config: Config) -> None:
        """Numbers everyone and determines their teams: those in the config, at other times the source's."""
        for person, human in enumerate(humans):
            self._labels.append(self._unique(human.label))
            self._index.add(person, human)
            if (email := human.email) is not None:
                self._numbers[self._labels[-1]] = person
                self._emails[person] = email
            if absences := human.absences:
                self._absences[person] = absences
        memberships = self._memberships(config)
        names = {team.name.casefold(): team.name for team in config.teams}
        homes = [home_spans(human, names) for human in humans]
        homes += [NO_TEAM] * (len(self._labels) - len(homes))
        self._spans = [with_memberships(home, memberships[person]) for person, home in enumerate(homes)]

    def _memberships(self, config: Config) -> dict[int, list[TeamSpan]]:
        """The team spans in the config, by person; members whom no source lists become persons here."""
        zone = config.company.timezone
        memberships: dict[int, list[TeamSpan]] = defaultdict(list)
        for team in config.teams:
            for member in team.members:
                text = member.person.strip()
                person = self._index.named(text)
                if person is None:
                    person, name = len(self._labels), label_value(text)
                    self._labels.append(self._unique(name))
                    self._index.by_name[name.casefold()] = (person,)
                since = local_midnight(member.since or date.min, zone)
                until = local_midnight(member.until + timedelta(days=1), zone) if member.until else LAST
                memberships[person].append(TeamSpan(since, until, team.name))
        return memberships

    def _unlisted_person(self, text: str) -> int:
        name = label_value(text)
        key = name.casefold()
        if key not in self._unlisted and len(self._unlisted) >= MAX_UNLISTED:
            key = OTHER
        if key not in self._unlisted:
            self._unlisted[key] = len(self._labels)
            self._labels.append(self._unique(OTHER if key == OTHER else name))
            self._spans.append(NO_TEAM)
        return self._unlisted[key]

    def _unique(self, label: str) -> str:
        while label in self._used_labels:
            label = label_value(label + " (unmatched)")
        self._used_labels.add(label)
        return label
