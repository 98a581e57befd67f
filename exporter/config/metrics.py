"""A metric: which records count, at which time, and how they are aggregated."""

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
    Text,
    TextPattern,
    Title,
)
from exporter.config.messages import invalid

AGGREGATES = ("count", "sum", "mean", "min", "max", "distinct", "percentile")

ColumnName = Annotated[
    str,
    TextPattern(
        r"attributes\.[A-Za-z0-9_.\- ]{1,64}|[a-z][a-z0-9_]*", "a column such as closed_at, or attributes.NAME"
    ),
]
"""A column of the entity, or attributes.NAME for a custom field of the source."""

Measured = Annotated[
    str,
    TextPattern(
        r"attributes\.[A-Za-z0-9_.\- ]{1,64}|[a-z][a-z0-9_]*( - [a-z][a-z0-9_]*)?",
        "a column such as amount, attributes.NAME, or the time between two instants: solved_at - created_at",
    ),
]
"""What to aggregate: a column, or LATER - EARLIER, the seconds between two instants of a row."""


def span_of(measured: str) -> tuple[str, str] | None:
    """The columns of LATER - EARLIER; None for a single column."""
    later, between, earlier = measured.partition(" - ")
    return (later, earlier) if between and not measured.startswith("attributes.") else None


Scalar = str | bool | int | Number
"""A value to compare with, of the type it has in the YAML: 7 is a number, "7" is text."""


def _re2_pattern(pattern: str) -> str:
    import re2  # slow to import, and only needed if a config matches text

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        raise invalid("not a valid RE2 regular expression", "RE2 has no look-around and no back-references") from None
    return pattern


class Condition(Section):
    """Operators on one column. All of them must hold."""

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
    """Not this value, or none of these values. An empty column is not equal to any value."""
    present: bool | None = None
    """true: the column has a value; false: it is empty."""
    matches: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_re2_pattern)] | None = None
    """An RE2 pattern that matches anywhere in the text."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise invalid("an operator is missing", "use one of gt, gte, lt, lte, not, present, matches")
        return self


def _filter_tag(value: Any) -> str:
    if isinstance(value, dict | Condition):
        return "<operators>"
    return "<list>" if isinstance(value, list | tuple) else "<value>"


Filter = Annotated[
    Annotated[Condition, Tag("<operators>")]
    | Annotated[tuple[Scalar, ...], Field(strict=False, min_length=1), Tag("<list>")]
    | Annotated[Scalar, Tag("<value>")],
    Discriminator(_filter_tag),
]


class During(Section):
    """The time during which a row counts for a level. An empty `until` means that it still counts."""

    from_: ColumnName = Field(alias="from")
    """The instant at which a row starts to count."""
    until: ColumnName
    """The instant at which it stops counting."""


class Percentile(Section):
    """The value below which a share of the rows lies (continuous, interpolated)."""

    of: Measured
    """The column to rank, or LATER - EARLIER."""
    at: Annotated[Number, Field(gt=0, lt=1)]
    """The share, such as 0.9 for the 90th percentile."""


class Expected(Section):
    """The range in which a metric is expected. Outside it, the KPIs that it supports are threatened."""

    min: Number | None = None
    """Lowest expected value."""
    max: Number | None = None
    """Highest expected value."""
    period: PeriodField = Period.DAY
    """Which period is checked: always the last finished one that has a workday. A level is checked as it is now."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is None and self.max is None:
            raise invalid("the range has no end", "write min, max or both")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise invalid("max is below min", "min is the lowest expected value, max the highest")
        return self


class Metric(Section):
    """A business measurement, with exactly one time rule (at or during) and one aggregate."""

    name: Name
    """Name that KPIs refer to. Its series are business_NAME."""
    title: Title
    """Title on dashboards."""
    entity: EntityName
    """The entity it measures, such as deals."""
    description: Text | None = None
    """Longer description for dashboards."""
    where: Mapping[ColumnName, Filter] = Field(default_factory=dict)
    """Filters: column to value, list of values, or operators. All of them must hold."""
    at: ColumnName | None = None
    """The instant at which a row counts."""
    during: During | None = None
    """Or the time span during which a row counts, which makes the metric a level."""
    count: Annotated[Literal["rows"], OneOf(("rows",))] | None = None
    """rows: the number of rows."""
    sum: Measured | None = None
    """Sum of a column."""
    mean: Measured | None = None
    """Mean of a column over rows where it is not empty, or of a duration such as solved_at - created_at."""
    min: Measured | None = None
    """Smallest value of a column."""
    max: Measured | None = None
    """Largest value of a column."""
    distinct: ColumnName | None = None
    """Number of different values of a column."""
    percentile: Percentile | None = None
    """The value below which a share of the rows lies."""
    unit: Title | None = None
    """count, number, ratio, currency, seconds, score, points, or free text. Default: follows from the column."""
    by: Annotated[tuple[ColumnName, ...], Field(strict=False, max_length=4)] = ()
    """Columns that become labels of its series. Each keeps its 100 largest values; the rest become one."""
    periods: Annotated[tuple[PeriodField, ...], Field(strict=False, min_length=1)] = (Period.DAY, Period.MONTH)
    """Periods for which it has series, in addition to those of its KPIs."""
    expected: Expected | None = None
    """The range outside which the KPIs that name it as supporting are warned."""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if self.at is None and self.during is None:
            raise invalid("a time rule is missing", "write at: COLUMN, or during: {from: COLUMN, until: COLUMN}")
        if self.at is not None and self.during is not None:
            raise invalid("at and during cannot be combined", "keep at for events, during for a level")
        aggregates = [name for name in AGGREGATES if getattr(self, name) is not None]
        if not aggregates:
            raise invalid(
                "an aggregate is missing", f"write count: rows, or one of {', '.join(AGGREGATES[1:])} of a column"
            )
        if len(aggregates) > 1:
            raise invalid(f"{' and '.join(aggregates)} cannot be combined", "keep one aggregate")
        return self

    @property
    def aggregate(self) -> str:
        """One of count, sum, mean, min, max, distinct, percentile."""
        return next(name for name in AGGREGATES if getattr(self, name) is not None)

    @property
    def measured(self) -> str | None:
        """The column to aggregate; None if rows are counted."""
        if self.percentile is not None:
            return self.percentile.of
        return None if self.count else str(getattr(self, self.aggregate))

    @property
    def is_level(self) -> bool:
        """True if the metric is a state at an instant, False if it covers a period."""
        return self.during is not None

    def counts_source(self, name: str) -> bool:
        """True unless `where` excludes every row of the source: a value, a list or `not` of the column `source`."""
        rule = self.where.get("source")
        if isinstance(rule, Condition):
            excluded = rule.is_not if isinstance(rule.is_not, tuple) else (rule.is_not,)
            return name not in excluded
        return rule is None or name in (rule if isinstance(rule, tuple) else (rule,))
