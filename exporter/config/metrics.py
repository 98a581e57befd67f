"""A metric: which records, at which time, brought to which number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from exporter.config.fields import Name, Number, Period, PeriodField, Section, Text, Title

_COLUMN = r"^(attributes\.[A-Za-z0-9_.\- ]{1,64}|[a-z][a-z0-9_]*)$"

ColumnName = Annotated[str, Field(pattern=_COLUMN)]
"""A column of the entity, or attributes.NAME for what the source knows beyond them."""

Literal = str | bool | Number


def _expressible(pattern: str) -> str:
    import re2  # noqa: PLC0415  # the only place that compiles expressions from the config

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        raise ValueError("not a regular expression of RE2 (no look-around, no back-references)") from None
    return pattern


class Condition(Section):
    """Operators on one column; all that are given must hold."""

    gt: Number | None = None
    gte: Number | None = None
    lt: Number | None = None
    lte: Number | None = None
    is_not: Literal | Annotated[tuple[Literal, ...], Field(strict=False)] | None = Field(default=None, alias="not")
    """Not this value, or none of these. An empty column is not equal to any value."""
    present: bool | None = None
    """true: the column has a value; false: it has none."""
    matches: Annotated[str, AfterValidator(_expressible)] | None = None
    """An RE2 pattern found anywhere in the text."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("an operator is needed: gt, gte, lt, lte, not, present or matches")
        return self


def _shape(value: Any) -> str:
    if isinstance(value, dict | Condition):
        return "operators"
    return "list" if isinstance(value, list | tuple) else "value"


Filter = Annotated[
    Annotated[Condition, Tag("operators")]
    | Annotated[tuple[Literal, ...], Field(strict=False, min_length=1), Tag("list")]
    | Annotated[Literal, Tag("value")],
    Discriminator(_shape),
]


class During(Section):
    """The life of a level: rows alive from one column until the other; an empty end is still alive."""

    from_: ColumnName = Field(alias="from")
    until: ColumnName


class Percentile(Section):
    """The value below which a share of the rows lies (continuous, interpolated)."""

    of: ColumnName
    at: Annotated[Number, Field(gt=0, lt=1)]


class Metric(Section):
    """A business measurement. Exactly one time rule and one aggregate."""

    name: Name
    title: Title
    entity: Name
    description: Text | None = None
    where: Mapping[ColumnName, Filter] = Field(default_factory=dict)
    """Column to value, list of values, or operators; all must hold."""
    at: ColumnName | None = None
    """The instant at which a row counts."""
    during: During | None = None
    """Or the span over which it counts: a level."""
    count: Annotated[str, Field(pattern="^rows$")] | None = None
    sum: ColumnName | None = None
    mean: ColumnName | None = None
    min: ColumnName | None = None
    max: ColumnName | None = None
    distinct: ColumnName | None = None
    percentile: Percentile | None = None
    unit: Title | None = None
    """count, ratio, currency, seconds, score, or free text. Default: from the column."""
    by: Annotated[tuple[ColumnName, ...], Field(strict=False, max_length=4)] = ()
    """Further labels of the business metric; at most 100 values each, the rest is folded."""
    periods: Annotated[tuple[PeriodField, ...], Field(strict=False, min_length=1)] = (
        Period.DAY,
        Period.MONTH,
    )

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if (self.at is None) == (self.during is None):
            raise ValueError("exactly one time rule is needed: at, or during with from and until")
        given = [name for name in AGGREGATES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one aggregate is needed: {', '.join(AGGREGATES)}")
        return self

    @property
    def aggregate(self) -> str:
        """Which aggregate: one of count, sum, mean, min, max, distinct, percentile."""
        return next(name for name in AGGREGATES if getattr(self, name) is not None)

    @property
    def measured(self) -> str | None:
        """The column that is aggregated; None where rows are counted."""
        if self.percentile is not None:
            return self.percentile.of
        chosen: Any = getattr(self, self.aggregate)
        return None if self.count else str(chosen)

    @property
    def is_level(self) -> bool:
        """True for a state at an instant, False for what adds up over a period."""
        return self.during is not None


AGGREGATES = ("count", "sum", "mean", "min", "max", "distinct", "percentile")
