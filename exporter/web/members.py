"""The teams and people of each KPI, sorted once per evaluation and read a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.config.fields import Scope
from exporter.kpi.values import Evaluation, KpiValue

SHOWN, PER_PAGE = 25, 200
"""Rows of a KPI's teams or people on the page of all KPIs, and on a page of their own."""

ListedGroup = tuple[str, Scope]
"""The name of a KPI, and a scope."""


@dataclass(frozen=True, slots=True)
class MembersQuery:
    """Asks for a page of a KPI's teams or people."""

    kpi: str
    scope: Scope
    number: int = 1

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> MembersQuery | None:
        """The query in a URL's parameters; None without any. A page that is not a number is the first one."""
        if "kpi" not in parameters:
            return None
        scope = Scope.PERSON if parameters.get("scope") == Scope.PERSON else Scope.TEAM
        digits = parameters.get("page", "")
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 1
        return cls(parameters["kpi"], scope, number)

    def href(self, number: int) -> str:
        """The address of another page of the same list."""
        return f"/?kpi={self.kpi}&scope={self.scope.value}&page={number}"


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the values of a group: the page with this number, of so many, and how many values there are in all."""

    values: Sequence[KpiValue]
    number: int
    pages: int
    total: int


@dataclass(slots=True)
class MembersIndex:
    """The values of an evaluation by KPI and scope. Teams and people are sorted when they are first read."""

    company: dict[str, KpiValue] = field(default_factory=dict)
    _groups: dict[ListedGroup, list[KpiValue]] = field(default_factory=dict)
    _sorted: set[ListedGroup] = field(default_factory=set)

    @classmethod
    def of(cls, evaluation: Evaluation | None) -> MembersIndex:
        """The index of an evaluation; empty before the first one."""
        index = cls()
        for value in evaluation.kpis if evaluation else ():
            if value.scope is Scope.COMPANY:
                index.company[value.kpi] = value
            else:
                index._groups.setdefault((value.kpi, value.scope), []).append(value)
        return index

    def read(self, kpi: str, scope: Scope, number: int, rows: int) -> Slice:
        """The page with this number, from 1, or the nearest one there is; without values an empty page."""
        group = (kpi, scope)
        values = self._groups.get(group, [])
        if group not in self._sorted:
            values.sort(key=_names)
            self._sorted.add(group)
        pages = max(1, -(-len(values) // rows))
        number = min(max(1, number), pages)
        return Slice(values[(number - 1) * rows : number * rows], number, pages, len(values))


def _names(value: KpiValue) -> tuple[str, str]:
    return value.team or "", value.person or ""
