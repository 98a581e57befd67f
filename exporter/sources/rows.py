"""From a vendor's rows to records: each row is taken or rejected with its reason, and drift stops the pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.records import Record
from exporter.sources.plausible import plausible

SHARE = 0.05
"""Beyond this share of rejected rows the vendor's format must have changed: nothing may be published."""

Make = Callable[[Any], Record | None]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a page's rows."""

    records: tuple[Record, ...]
    rejected: tuple[InvalidRecordError, ...] = ()


def take(rows: Iterable[Any], make: Make, now: datetime, where: Callable[[int], str] = "row {}".format) -> Taken:
    """Records of the rows, plausible as of `now`; `make` gives None for a row that is to be skipped.

    `where` names the n-th row, from 1, in the rejection. Raises SourceRejectedError(TOO_MANY_REJECTED).
    """
    taken = sift(rows, make, now, where)
    refuse_drift(taken.rejected, len(taken.records))
    return taken


def sift(rows: Iterable[Any], make: Make, now: datetime, where: Callable[[int], str] = "row {}".format) -> Taken:
    """As `take`, without the verdict on the share of rejected rows."""
    records: list[Record] = []
    rejected: list[InvalidRecordError] = []
    for place, row in enumerate(rows, 1):
        try:
            record = make(row)
            if record is not None:
                plausible(record, now)
                records.append(record)
        except InvalidRecordError as error:
            rejected.append(InvalidRecordError(error.reason, error.field, where(place)))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # the row has another shape than the vendor documents
            reason = Reason.MISSING_FIELD if isinstance(error, KeyError) else Reason.BAD_TYPE
            rejected.append(InvalidRecordError(reason, "record", where(place)))
    return Taken(tuple(records), tuple(rejected))


def refuse_drift(rejected: Iterable[InvalidRecordError], taken: int) -> None:
    """Raises SourceRejectedError(TOO_MANY_REJECTED) where over 5 % of the rows, and more than one, are rejected."""
    reasons = Counter(f"{error.field}: {error.reason.value}" for error in rejected)
    count = reasons.total()
    if count > max(1, SHARE * (taken + count)):
        often = reasons.most_common(1)[0][0]
        raise SourceRejectedError(
            Reason.TOO_MANY_REJECTED, f"{count} of {taken + count} rows cannot be taken, most often {often}"
        )
