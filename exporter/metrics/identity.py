"""Records of people brought together into humans, and the keys by which each of them is found.

Records with the same email are one human. A record without an email belongs to the one human of its name,
where there is one; records of a name that no email, or more than one, goes with are one human together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Listed:
    """One record of a person as a source has it; empty text where it says nothing."""

    source: str
    id: str
    name: str = ""
    email: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Human:
    """All records of one person, the most telling first, and the label of their series."""

    records: tuple[Listed, ...]
    label: str

    @property
    def team(self) -> str | None:
        """The team that the first source which names one gives."""
        return next((record.team for record in self.records if record.team), None)


@dataclass(slots=True)
class Keys:
    """Persons, as numbers, by what may stand for them. A key that several share stands for none of them."""

    by_source: dict[tuple[str, str], int] = field(default_factory=dict)
    by_id: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_email: dict[str, int] = field(default_factory=dict)
    by_name: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def add(self, person: int, human: Human) -> None:
        """Makes a person known by all that their records say."""
        for record in human.records:
            self.by_source.setdefault((record.source, record.id), person)
            self.by_id[record.id].add(person)
            if record.email:
                self.by_email[record.email.casefold()] = person
            if record.name:
                self.by_name[record.name.casefold()].add(person)

    def owner(self, source: str, text: str) -> int | None:
        """By id in the source, else by id where one person has it, else by email, else by name."""
        if (source, text) in self.by_source:
            return self.by_source[source, text]
        anywhere = _only(self.by_id.get(text))
        return self.named(text) if anywhere is None else anywhere

    def named(self, text: str) -> int | None:
        """By email, else by name where one person has it."""
        key = text.casefold()
        return self.by_email[key] if key in self.by_email else _only(self.by_name.get(key))


_Numbered = tuple[int, Listed]
_Groups = Mapping[str, list[_Numbered]]


def humans(listed: Iterable[Listed]) -> tuple[Human, ...]:
    """Everybody once, in the order in which they are first listed. Labels differ from each other."""
    by_email: dict[str, list[_Numbered]] = {}
    without: dict[str, list[_Numbered]] = {}
    for number, record in enumerate(listed):
        groups = by_email if record.email else without
        key = record.email or record.name or f"{record.source}\n{record.id}"
        groups.setdefault(key.casefold(), []).append((number, record))
    joined = sorted(sorted(group) for group in _joined(by_email, without))
    return _labelled([[record for _, record in group] for group in joined])


def _joined(by_email: _Groups, without: _Groups) -> list[list[_Numbered]]:
    """Records without an email go to the one group that has their name, or stay together."""
    named = defaultdict(set)
    for email, group in by_email.items():
        for _, record in group:
            named[record.name.casefold()].add(email)
    grown = {email: list(group) for email, group in by_email.items()}
    alone = []
    for name, group in without.items():
        emails = named[name] if group[0][1].name else set()
        if len(emails) == 1:
            grown[next(iter(emails))] += group
        else:
            alone.append(group)
    return [*grown.values(), *alone]


def _labelled(groups: Sequence[Sequence[Listed]]) -> tuple[Human, ...]:
    names = [next((r.name for r in group if r.name), group[0].email or group[0].id) for group in groups]
    shared = Counter(name.casefold() for name in names)
    taken: set[str] = set()
    found = []
    for group, name in zip(groups, names, strict=True):
        label = _label(group, name, shared[name.casefold()] > 1)
        label = f"{label} ({group[0].source} {group[0].id})" if label in taken else label
        taken.add(label)
        found.append(Human(tuple(group), label))
    return tuple(found)


def _label(group: Sequence[Listed], name: str, shared: bool) -> str:
    """The name, with the email where somebody else has that name too."""
    email = next((record.email for record in group if record.email), "")
    return f"{name} ({email})" if shared and email and email != name else name


def _only(persons: set[int] | None) -> int | None:
    return next(iter(persons)) if persons is not None and len(persons) == 1 else None
