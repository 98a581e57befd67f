"""Records of people brought together."""

from __future__ import annotations

import pytest

from exporter.metrics.identity import Keys, Listed, humans


def listed(text: str) -> list[Listed]:
    """Records from lines of `source id name <email> team`, underscores for spaces, a dash for nothing."""
    rows = [
        [part.replace("_", " ") if part != "-" else "" for part in line.split()] for line in text.split("\n") if line
    ]
    return [Listed(*row) for row in rows]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", []),
        ("a 1 Ann ann@x -\nb 9 A. ANN@X -", ["Ann"]),  # the same email
        ("a 1 Ann ann@x -\nb 9 ANN - -", ["Ann"]),  # a name that one email goes with
        ("b 9 ANN - -\na 1 Ann ann@x -", ["ANN"]),  # the first record names the person
        ("a 1 Ann - -\nb 9 ann - -", ["Ann"]),  # the same name, and no email at all
        ("a 1 Ann ann@x -\nb 9 Ann ann@y -", ["Ann (ann@x)", "Ann (ann@y)"]),  # emails tell them apart
        ("a 1 Ann ann@x -\nb 9 Ann ann@y -\nc 3 Ann - -", ["Ann (ann@x)", "Ann (ann@y)", "Ann"]),  # whose is the third?
        ("a 1 - ann@x -", ["ann@x"]),
        ("a 17 - - -\nb 17 - - -", ["17", "17 (b 17)"]),  # ids of two sources are two people
        ("a 1 - ann@x -\nb 2 Ann ann@x -", ["Ann"]),
    ],
)
def test_everybody_is_there_once(text: str, labels: list[str]) -> None:
    assert [human.label for human in humans(listed(text))] == labels


def test_the_first_team_that_any_record_names_is_theirs() -> None:
    (ann,) = humans(listed("a 1 Ann ann@x -\nb 2 Ann - North\nc 3 Ann ann@x South"))
    assert ann.team == "North"
    assert humans(listed("a 1 Ann ann@x -"))[0].team is None


KNOWN = "a 1 Ann ann@x -\na 2 Bob bob@x -\nb 2 Cleo cleo@x -\nb 7 Ann ann@x -\nb 8 Dan dan@x -\nc 9 Dan dan@y -"


@pytest.mark.parametrize(
    ("source", "text", "label"),
    [
        ("a", "1", "Ann"),
        ("a", "2", "Bob"),  # an id means the person of the same source
        ("b", "2", "Cleo"),
        ("c", "2", None),  # two people have it elsewhere
        ("c", "7", "Ann"),  # one has
        ("c", "ANN@x", "Ann"),
        ("c", "ann", "Ann"),
        ("c", "Dan", None),  # two have the name
        ("c", "dan@y", "Dan (dan@y)"),
        ("c", "Eve", None),
    ],
)
def test_an_owner_is_found_by_id_then_email_then_name(source: str, text: str, label: str | None) -> None:
    known = humans(listed(KNOWN))
    keys = Keys()
    for person, human in enumerate(known):
        keys.add(person, human)
    found = keys.owner(source, text)
    assert (None if found is None else known[found].label) == label
