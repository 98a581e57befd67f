"""Building blocks of error messages: suggestions, lists, and type names that do not reveal a value."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import Discriminator
from pydantic_core import PydanticCustomError

_MAX_LENGTH = 60
_MAX_CANDIDATES = 300


def invalid(message: str, hint: str = "") -> PydanticCustomError:
    """The error that a validator raises. Neither text may contain the input, which could be a secret."""
    return PydanticCustomError("invalid", "{message}", {"message": message, "hint": hint})


def discriminator(tag_of: Callable[[Any], str | None], message: str, hint: str) -> Discriminator:
    """Selects the member of a union by a tag such as `<goal>`. If `tag_of` returns None, `message` is the error.

    Tags are in angle brackets because pydantic adds them to the paths of errors, where no config key looks like that.
    """
    return Discriminator(tag_of, custom_error_type="invalid", custom_error_message=f"{message}\n{hint}")


def quoted(value: str | bool | float) -> str:
    """A value from the config, text in quotes; always short and on one line."""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else f"{value:g}"
    return repr(value if len(value) <= _MAX_LENGTH else value[: _MAX_LENGTH - 3] + "...")


def nearest(name: str, candidates: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The candidate that `name` is probably a misspelling of; `cutoff` is the required similarity, up to 1."""
    if len(name) > _MAX_LENGTH:
        return None
    by_lower = {candidate.lower(): candidate for candidate, _ in zip(candidates, range(_MAX_CANDIDATES), strict=False)}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[matches[0]] if matches else None


def comma_separated(names: Iterable[str], limit: int = 40) -> str:
    """The names with commas, cut after `limit` of them."""
    names = list(names)
    text = ", ".join(names[:limit])
    return f"{text} and {len(names) - limit} more" if len(names) > limit else text


def suggestion(name: str, candidates: Iterable[str], introduction: str) -> str:
    """The hint for an unknown name: the nearest candidate, and all candidates; empty if there are none."""
    names = list(candidates)
    if not names:
        return ""
    near = nearest(name, names)
    return (f"did you mean {near}? " if near else "") + f"{introduction}: {comma_separated(names)}"


def type_name(value: Any) -> str:
    """The type of a config value in plain words: text, a number, ..."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "text"),
        (dict, "a section"),
        (list, "a list"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "nothing")
