"""Plain words for problems: nearest names, lists, and what a value looks like without saying what it is."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import Discriminator
from pydantic_core import PydanticCustomError

_LONGEST = 60
_CANDIDATES = 300


def fault(message: str, cure: str = "") -> PydanticCustomError:
    """What a validator raises: a sentence for the user and what would be right, both free of the input."""
    return PydanticCustomError("fault", "{message}", {"message": message, "cure": cure})


def choice(tag_of: Callable[[Any], str | None], message: str, cure: str) -> Discriminator:
    """Chooses the member of a union by a tag such as `<goal>`; where there is none, the fault is said as elsewhere.

    Tags are in angle brackets because pydantic puts them into the places of faults, where no key looks so.
    """
    return Discriminator(tag_of, custom_error_type="fault", custom_error_message=f"{message}\n{cure}")


def quoted(word: str | bool | float) -> str:
    """A value from the config, text in quotes, short and on one line whatever it holds."""
    if not isinstance(word, str):
        return str(word).lower() if isinstance(word, bool) else f"{word:g}"
    short = word if len(word) <= _LONGEST else word[: _LONGEST - 3] + "..."
    return repr(short)


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known name that `word` was probably meant to be."""
    if len(word) > _LONGEST:
        return None
    folded = {name.lower(): name for name, _ in zip(known, range(_CANDIDATES), strict=False)}
    found = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=likeness)
    return folded[found[0]] if found else None


def listed(names: Iterable[str], most: int = 40) -> str:
    """Names with commas between, cut where there are too many to be read."""
    names = list(names)
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def suggestion(word: str, known: Iterable[str], introduction: str) -> str:
    """The cure for a name that is not known: the nearest one, and all there are."""
    names = list(known)
    if not names:
        return ""
    near = nearest(word, names)
    return (f"did you mean {near}? " if near else "") + f"{introduction}: {listed(names)}"


def kind_of(value: Any) -> str:
    """What a value of the config is: text, a number, ...; never the value itself."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "text"),
        (dict, "a section"),
        (list, "a list"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "nothing")
