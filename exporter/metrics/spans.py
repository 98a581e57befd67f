"""The seconds between two instants of a row, as SQL: calendar days between dates, the exact time between others."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlglot import exp

_DAY = 86_400


def seconds_between(later: exp.Expr, earlier: exp.Expr, zone: ZoneInfo) -> exp.Expr:
    """The seconds from `earlier` to `later`, which are columns of instants in UTC.

    A date without a time is stored as the first instant of that day in `zone`. Between two of these, each day counts
    24 hours, whether or not clocks were moved on it.
    """
    between = exp.Paren(this=exp.Sub(this=later, expression=earlier))
    seconds = exp.Extract(this=exp.var("EPOCH"), expression=between)
    dates = exp.and_(_may_be_dates(seconds, later), _begins_a_day(later, zone), _begins_a_day(earlier, zone))
    days = exp.Round(this=exp.Div(this=seconds.copy(), expression=_number(_DAY)))
    return exp.Case().when(dates, exp.Mul(this=days, expression=_number(_DAY))).else_(seconds.copy())


def _may_be_dates(seconds: exp.Expr, later: exp.Expr) -> exp.Expr:
    """False for most spans that need no correction, because to convert instants to local time is slow.

    Two dates are more than half a day apart, and offsets from UTC have been multiples of 15 minutes since 1972.
    """
    far_apart = exp.GT(this=exp.Abs(this=seconds.copy()), expression=_number(_DAY // 2))
    minute, second = (exp.Extract(this=exp.var(part), expression=later.copy()) for part in ("MINUTE", "SECOND"))
    on_the_minute = exp.EQ(this=second, expression=_number(0))
    on_the_quarter = exp.EQ(this=exp.Mod(this=minute, expression=_number(15)), expression=_number(0))
    odd = exp.NEQ(this=exp.Mod(this=seconds.copy(), expression=_number(_DAY)), expression=_number(0))
    return exp.and_(far_apart, on_the_minute, on_the_quarter, odd)


def _begins_a_day(instant: exp.Expr, zone: ZoneInfo) -> exp.Expr:
    """True for the first instant of a local day: the moment before belongs to an earlier one.

    So it is right where clocks skip midnight, and where they show it twice.
    """
    microsecond = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("MICROSECOND"))
    before = exp.Paren(this=exp.Sub(this=instant.copy(), expression=microsecond))
    return exp.GT(this=_local_date(instant, zone), expression=_local_date(before, zone))


def _local_date(instant: exp.Expr, zone: ZoneInfo) -> exp.Expr:
    aware = exp.AtTimeZone(this=instant.copy(), zone=exp.Literal.string("UTC"))
    return exp.cast(exp.AtTimeZone(this=aware, zone=exp.Literal.string(zone.key)), "DATE")


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)
