"""Who owns a record, and which team they are in at which time.

Records of people are merged into humans: records with the same email are one human. A record without an email
belongs to the human of its name if there is exactly one. Records of a name that goes with no email or with several
are one human together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlglot import exp

from exporter.config.root import Config
from exporter.metrics.connection import Reader
from exporter.metrics.rows import to_sql
from exporter.metrics.values import FIRST, LAST, Roster, local_midnight
from exporter.naming import OTHER

MAX_UNLISTED = 1000
"""The number of unlisted owners with a series each; all others share one."""


@dataclass(frozen=True, slots=True, order=True)
class PersonRecord:
    """One record of a person in a source; empty text for missing fields."""

    source: str
    id: str
    name: str = ""
    email: str = ""
    team: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Human:
    """All records of one person, the first listed first, and the label of their series."""

    records: tuple[PersonRecord, ...]
    label: str

    @property
    def team(self) -> str | None:
        """The team in the first record that has one."""
        return next((record.team for record in self.records if record.team), None)

    @property
    def active(self) -> bool:
        """False if every record is deleted or inactive."""
        return any(record.active for record in self.records)


def merge_records(records: Iterable[PersonRecord]) -> tuple[Human, ...]:
    """Every human once, in the order in which they are first listed. Labels are unique."""
    by_email: dict[str, list[tuple[int, PersonRecord]]] = {}
    without_email: dict[str, list[tuple[int, PersonRecord]]] = {}
    emails_by_name: dict[str, set[str]] = defaultdict(set)
    for number, record in enumerate(records):
        key = (record.email or record.name or f"{record.source}\n{record.id}").casefold()
        (by_email if record.email else without_email).setdefault(key, []).append((number, record))
        if record.email:
            emails_by_name[record.name.casefold()].add(key)
    groups = dict(by_email)
    for key, group in without_email.items():
        emails = emails_by_name[key] if group[0][1].name else set()
        if len(emails) == 1:
            (email,) = emails
            groups[email] = groups[email] + group
        else:
            groups[f"\n{key}"] = group
    ordered = sorted(sorted(group) for group in groups.values())
    return _labelled([[record for _, record in group] for group in ordered])


def _labelled(groups: Sequence[Sequence[PersonRecord]]) -> tuple[Human, ...]:
    """Labels each human by name: with the email if the name is shared, with the id if that is not unique either."""
    names = [next((r.name for r in group if r.name), group[0].email or group[0].id) for group in groups]
    counts = Counter(name.casefold() for name in names)
    labels: set[str] = set()
    humans = []
    for group, name in zip(groups, names, strict=True):
        email = next((record.email for record in group if record.email), "")
        label = f"{name} ({email})" if counts[name.casefold()] > 1 and email and email != name else name
        label = f"{label} ({group[0].source} {group[0].id})" if label in labels else label
        labels.add(label)
        humans.append(Human(tuple(group), label))
    return tuple(humans)


@dataclass(slots=True)
class PersonIndex:
    """Finds persons, which are numbers, by id, email or name. A key that several share finds none of them."""

    by_source: dict[tuple[str, str], int] = field(default_factory=dict)
    by_id: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_email: dict[str, int] = field(default_factory=dict)
    by_name: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def add(self, person: int, human: Human) -> None:
        """Adds a person under all keys in their records."""
        for record in human.records:
            self.by_source.setdefault((record.source, record.id), person)
            self.by_id[record.id].add(person)
            if record.email:
                self.by_email[record.email.casefold()] = person
            if record.name:
                self.by_name[record.name.casefold()].add(person)

    def owner(self, source: str, text: str) -> int | None:
        """The person with this id in the source, else the only one with this id, else by email or name."""
        return self.by_source[source, text] if (source, text) in self.by_source else self.named(text)

    def named(self, text: str) -> int | None:
        """The only person with this id, else the one with this email, else the only one with this name."""
        return _only(self.matches(text))

    def matches(self, text: str) -> set[int]:
        """The persons whom a text may mean: one if it finds a person, none if nobody is listed under it."""
        by_id, key = self.by_id.get(text, set()), text.casefold()
        if len(by_id) == 1:
            return by_id
        return {self.by_email[key]} if key in self.by_email else self.by_name.get(key) or by_id


def _only(persons: set[int] | None) -> int | None:
    return next(iter(persons)) if persons is not None and len(persons) == 1 else None


@dataclass(frozen=True, slots=True)
class TeamSpan:
    """The team that a person's records count for during [since, until)."""

    since: datetime
    until: datetime
    team: str | None


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
        self._inactive: set[int] = set()
        self._rosters: dict[int, Roster] = {}
        self._add(merge_records(records), config)
        self.teams = tuple(sorted({span.team for spans in self._spans for span in spans if span.team is not None}))
        self._changes = sorted({span.since for spans in self._spans for span in spans})

    @classmethod
    def load(cls, reader: Reader, config: Config) -> Directory:
        """Everyone whom the sources list: those not deleted and active first, then in the config's order of sources.

        People whose record was deleted still own their records.
        """
        ranks = {source.name: rank for rank, source in enumerate(config.sources)}
        columns = [exp.column(name) for name in ("source", "id", "name", "email", "team", "deleted", "active")]
        rows = reader.execute(to_sql(exp.select(*columns).from_("people"))).fetchall()
        rows.sort(key=lambda row: (row[5], row[6] is False, ranks.get(row[0], len(ranks)), row[0], row[1]))
        return cls((_record(row[:5], active=not row[5] and row[6] is not False) for row in rows), config)

    def owner(self, source: str, owner: str) -> int | None:
        """The person behind an owner: one that sources or teams list, else one of that name; None if it is blank."""
        text = owner.strip()
        person = self._index.owner(source, text) if text else None
        return self._unlisted_person(text) if text and person is None else person

    def label(self, person: int) -> str:
        """The person's name in series; it is unique."""
        return self._labels[person]

    def spans(self, person: int) -> tuple[TeamSpan, ...]:
        """The person's teams over all time, without gaps."""
        return self._spans[person]

    def team(self, person: int, at: datetime) -> str | None:
        """The person's team at an instant."""
        spans = self._spans[person]
        return next((span.team for span in spans if at < span.until), spans[-1].team)

    def era(self, at: datetime) -> int:
        """A number that differs between two instants only if somebody changed team in between."""
        return bisect_right(self._changes, at)

    def matches(self, text: str) -> tuple[str, ...]:
        """Labels of the persons whom a text in a target may mean, by id, email, name or label; several if unclear."""
        key = text.strip().casefold()
        labels = sorted(self._labels[person] for person in self._index.matches(text.strip()))
        return tuple(labels) or tuple(label for label in self._labels if label.casefold() == key)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels and emails of all persons."""
        return (*self._labels, *self._index.by_email)

    def roster(self, at: datetime) -> Roster:
        """Who is in which team at an instant; the same object as long as nobody changes team."""
        era = self.era(at)
        if era not in self._rosters:
            members: dict[str, set[str]] = defaultdict(set)
            for person, label in enumerate(self._labels):
                team = self.team(person, at)
                if team is not None and person not in self._inactive:
                    members[team.casefold()].add(label)
            self._rosters[era] = Roster({team: frozenset(labels) for team, labels in members.items()}, self._label_of)
        return self._rosters[era]

    def _label_of(self, text: str) -> str | None:
        labels = self.matches(text) or (text.strip(),)
        return labels[0] if len(labels) == 1 else None

    def _add(self, humans: tuple[Human, ...], config: Config) -> None:
        """Numbers everyone and determines their teams: those in the config, at other times the source's."""
        names = {team.name.casefold(): team.name for team in config.teams}
        source_teams = [human.team or "" for human in humans]
        home_teams: list[str | None] = [names.get(team.casefold(), team) for team in source_teams]
        for person, human in enumerate(humans):
            self._labels.append(self._unique(human.label))
            self._index.add(person, human)
            if not human.active:
                self._inactive.add(person)
        memberships = self._memberships(config)
        home_teams += [None] * (len(self._labels) - len(home_teams))
        self._spans = [_filled(memberships[person], home or None) for person, home in enumerate(home_teams)]

    def _memberships(self, config: Config) -> dict[int, list[TeamSpan]]:
        """The team spans in the config, by person; members whom no source lists become persons here."""
        zone = config.company.timezone
        memberships: dict[int, list[TeamSpan]] = defaultdict(list)
        for team in config.teams:
            for member in team.members:
                text = member.person.strip()
                person = self._index.named(text)
                if person is None:
                    person = len(self._labels)
                    self._labels.append(self._unique(text))
                    self._index.by_name[text.casefold()] = {person}
                since = local_midnight(member.since or date.min, zone)
                until = local_midnight(member.until + timedelta(days=1), zone) if member.until else LAST
                memberships[person].append(TeamSpan(since, until, team.name))
        return memberships

    def _unlisted_person(self, text: str) -> int:
        key = text.casefold()
        if key not in self._unlisted and len(self._unlisted) >= MAX_UNLISTED:
            key = OTHER
        if key not in self._unlisted:
            self._unlisted[key] = len(self._labels)
            self._labels.append(self._unique(OTHER if key == OTHER else text))
            self._spans.append((TeamSpan(FIRST, LAST, None),))
        return self._unlisted[key]

    def _unique(self, label: str) -> str:
        while label in self._used_labels:
            label += " (unmatched)"
        self._used_labels.add(label)
        return label


def _record(columns: Sequence[str | None], *, active: bool) -> PersonRecord:
    source, id_, *texts = ((text or "") for text in columns)
    name, email, team = (text.strip() for text in texts)
    return PersonRecord(source, id_, name, email, team, active)


def _filled(memberships: list[TeamSpan], home: str | None) -> tuple[TeamSpan, ...]:
    """All of time: memberships in order, of overlapping ones the first, and the home team in between."""
    spans = []
    end = FIRST
    for membership in sorted(memberships, key=lambda span: span.since):
        since = max(membership.since, end)
        if since >= membership.until:
            continue
        if end < since:
            spans.append(TeamSpan(end, since, home))
        spans.append(TeamSpan(since, membership.until, membership.team))
        end = membership.until
    return (*spans, TeamSpan(end, LAST, home)) if end < LAST else tuple(spans)
