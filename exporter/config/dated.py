"""Settings that change on certain dates: a plain value, or a list of values with the days they begin on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Generic, TypeVar, get_args

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import core_schema

from exporter.config.fields import Date, Section
from exporter.config.messages import invalid
from exporter.config.positions import KeyPath

T = TypeVar("T")
V = TypeVar("V")

_PLAIN, _DATED = "<plain>", "<dated>"


class DatedEntry(Section, Generic[T]):
    """The value of a setting from a date until the next entry."""

    is_: T = Field(alias="is")
    """The value, in the form that the setting takes without dates."""
    since: Date | None = None
    """First day on which it applies. The first entry also applies before its date, which it may omit."""


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A setting over time: `values` in order, and the first day of each but the first, which holds before as well."""

    values: tuple[T, ...]
    changes: tuple[date, ...] = ()

    @classmethod
    def always(cls, value: T) -> Dated[T]:
        """The same value at all times."""
        return cls((value,))

    @property
    def latest(self) -> T:
        """The last value, which holds from its date on."""
        return self.values[-1]

    def on(self, day: date) -> T:
        """The value in force on a day."""
        return self.values[bisect_right(self.changes, day)]

    def map(self, change: Callable[[T], V]) -> Dated[V]:
        """Other values, from the same days."""
        return Dated(tuple(map(change, self.values)), self.changes)

    def with_paths(self, path: KeyPath) -> Iterator[tuple[KeyPath, T]]:
        """Each value with its key path; `path` is that of the whole setting."""
        several = len(self.values) > 1
        return ((((*path, index, "is") if several else path), value) for index, value in enumerate(self.values))


class _DatedForms:
    """Annotates a field that takes a plain value, or a list of entries with dates."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        (kind,) = get_args(source)
        entries = list[DatedEntry[kind]]  # type: ignore[valid-type]
        plain = core_schema.no_info_after_validator_function(Dated.always, handler.generate_schema(kind))
        dated = core_schema.no_info_after_validator_function(_in_order, handler.generate_schema(entries))
        choices = core_schema.tagged_union_schema({_PLAIN: plain, _DATED: dated}, _form)
        written = core_schema.plain_serializer_function_ser_schema(_written)
        return core_schema.no_info_wrap_validator_function(_unless_dated, choices, serialization=written)


DatedField = Annotated[Dated[T], _DatedForms()]
"""A setting that is written plainly, or as a list of {is, since}."""


def _unless_dated(value: Any, validate: core_schema.ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, Dated) else validate(value)


def _written(setting: Dated[Any]) -> Any:
    """The setting in the form in which a config has it, without its keys."""
    return setting.latest if not setting.changes else [setting.values, setting.changes]


def _form(value: Any) -> str:
    """The tag of the intended form: a list of sections is dated, anything else plain."""
    return _DATED if isinstance(value, list) and any(isinstance(entry, dict) for entry in value) else _PLAIN


def _in_order(entries: Sequence[DatedEntry[T]]) -> Dated[T]:
    changes = []
    for entry in entries[1:]:
        if entry.since is None:
            raise invalid("an entry after the first has no date", "since: the first day on which it applies")
        changes.append(entry.since)
    dates = changes if entries[0].since is None else [entries[0].since, *changes]
    for first, second in pairwise(dates):
        if first == second:
            raise invalid(f"two entries apply since {first}", "keep one of them, or give it another date")
        if first > second:
            raise invalid(f"the entry since {first} stands before the one since {second}", "earliest date first")
    return Dated(tuple(entry.is_ for entry in entries), tuple(changes))
