"""A metric: which records, at which time, brought to which number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from exporter.config.fields import (
    EntityName,
    Name,
    Number,
    OneOf,
    Period,
    PeriodField,
    Section,
    Spelled,
    Text,
    Title,
)
from exporter.config.messages import fault

AGGREGATES = ("count", "sum", "mean", "min", "max", "distinct", "percentile")

ColumnName = Annotated[
    str,
    Spelled(r"attributes\.[A-Za-z0-9_.\- ]{1,64}|[a-z][a-z0-9_]*", "a column such as closed_at, or attributes.NAME"),
]
"""A column of the entity, or attributes.NAME for what the source knows beyond them."""

Measured = Annotated[
    str,
    Spelled(
        r"attributes\.[A-Za-z0-9_.\- ]{1,64}|[a-z][a-z0-9_]*( - [a-z][a-z0-9_]*)?",
        "a column such as amount, attributes.NAME, or the time between two instants: solved_at - created_at",
    ),
]
"""What is aggregated: a column, or LATER - EARLIER, the seconds from one instant of a row to another."""


def span_of(measured: str) -> tuple[str, str] | None:
    """The columns of LATER - EARLIER; None for a single column."""
    later, between, earlier = measured.partition(" - ")
    return (later, earlier) if between and not measured.startswith("attributes.") else None


Scalar = str | bool | int | Number
"""A value to compare with, of the type it has in the YAML: 7 is a number, "7" is text."""


def _expressible(pattern: str) -> str:
    import re2  # heavy, and needed only where a config matches text

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        raise fault("not a regular expression of RE2", "RE2 has no look-around and no back-references") from None
    return pattern


class Condition(Section):
    """Operators on one column; all that are given must hold."""

    gt: Number | None = None
    """Greater than."""
    gte: Number | None = None
    """Greater than or equal."""
    lt: Number | None = None
    """Less than."""
    lte: Number | None = None
    """Less than or equal."""
    is_not: Scalar | Annotated[tuple[Scalar, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, alias="not"
    )
    """Not this value, or none of these. An empty column is not equal to any value."""
    present: bool | None = None
    """true: the column has a value; false: it has none."""
    matches: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_expressible)] | None = None
    """An RE2 pattern found anywhere in the text."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise fault("an operator is missing", "one of gt, gte, lt, lte, not, present, matches")
        return self


def _shape(value: Any) -> str:
    if isinstance(value, dict | Condition):
        return "<operators>"
    return "<list>" if isinstance(value, list | tuple) else "<value>"


Filter = Annotated[
    Annotated[Condition, Tag("<operators>")]
    | Annotated[tuple[Scalar, ...], Field(strict=False, min_length=1), Tag("<list>")]
    | Annotated[Scalar, Tag("<value>")],
    Discriminator(_shape),
]


class During(Section):
    """The life of a level: rows alive from one column until the other; an empty end is still alive."""

    from_: ColumnName = Field(alias="from")
    """The instant at which a row comes to life."""
    until: ColumnName
    """The instant at which it ends."""


class Percentile(Section):
    """The value below which a share of the rows lies (continuous, interpolated)."""

    of: Measured
    """The column whose values are ranked, or LATER - EARLIER."""
    at: Annotated[Number, Field(gt=0, lt=1)]
    """The share, such as 0.9 for the 90th percentile."""


class Metric(Section):
    """A business measurement. Exactly one time rule (at, during) and one aggregate."""

    name: Name
    """Its series are business_NAME; KPIs call it by this name."""
    title: Title
    """As viewers read it."""
    entity: EntityName
    """The kind of record it measures, such as deals."""
    description: Text | None = None
    """Further words for viewers."""
    where: Mapping[ColumnName, Filter] = Field(default_factory=dict)
    """Column to value, list of values, or operators; all must hold."""
    at: ColumnName | None = None
    """The instant at which a row counts."""
    during: During | None = None
    """Or the span over which it counts: a level."""
    count: Annotated[Literal["rows"], OneOf(("rows",))] | None = None
    """rows: how many there are."""
    sum: Measured | None = None
    """Total of a column."""
    mean: Measured | None = None
    """Average of a column over the rows that have a value in it, or of a time: solved_at - created_at."""
    min: Measured | None = None
    """Smallest value of a column."""
    max: Measured | None = None
    """Largest value of a column."""
    distinct: ColumnName | None = None
    """How many different values a column has."""
    percentile: Percentile | None = None
    """The value below which a share of the rows lies."""
    unit: Title | None = None
    """count, ratio, currency, seconds, score, or free text. Default: from the column."""
    by: Annotated[tuple[ColumnName, ...], Field(strict=False, max_length=4)] = ()
    """Further labels of the business metric; at most 100 values each, the rest is folded."""
    periods: Annotated[tuple[PeriodField, ...], Field(strict=False, min_length=1)] = (Period.DAY, Period.MONTH)
    """Spans for which its series exist besides those that KPIs ask for."""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if self.at is None and self.during is None:
            raise fault("a time rule is missing", "at: COLUMN, or during: {from: COLUMN, until: COLUMN}")
        if self.at is not None and self.during is not None:
            raise fault("at and during are both given", "keep at for events, during for a level")
        given = [name for name in AGGREGATES if getattr(self, name) is not None]
        if not given:
            raise fault("an aggregate is missing", f"count: rows, or one of {', '.join(AGGREGATES[1:])} of a column")
        if len(given) > 1:
            raise fault(f"{' and '.join(given)} are given together", "keep one aggregate")
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
