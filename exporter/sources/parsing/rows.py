"""From a vendor's rows to records: each row is taken or rejected with its reason, and drift stops the pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.records import Record
from exporter.sources.parsing.plausibility import plausible

SHARE = 0.05
"""Beyond this share of rejected rows the vendor's format must have changed: nothing may be published."""

MOST = 10_000
"""No page may hold more rejected rows than this; it bounds what a hostile answer costs."""

Make = Callable[[Any], Record | None]

Where = Callable[[int], str]
"""Names the n-th row of a page, from 1, in its rejection."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a page's rows."""

    records: tuple[Record, ...]
    rejected: tuple[InvalidRecordError, ...] = ()


def take(rows: Iterable[Any], make: Make, now: datetime, where: Where = "row {}".format) -> Taken:
    """Records of the rows, plausible as of `now`; `make` gives None for a row that is to be skipped.

    Raises SourceRejectedError(TOO_MANY_REJECTED).
    """
    taken = sift(rows, make, now, where)
    refuse_drift(taken)
    return taken


def sift(rows: Iterable[Any], make: Make, now: datetime, where: Where = "row {}".format) -> Taken:
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
            rejected.append(InvalidRecordError(error.reason, error.field, where(place), _id_of(row)))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # the row has another shape than the vendor documents
            reason = Reason.MISSING_FIELD if isinstance(error, KeyError) else Reason.BAD_TYPE
            rejected.append(InvalidRecordError(reason, "record", where(place), _id_of(row)))
        refuse_flood(len(rejected))
    return Taken(tuple(records), tuple(rejected))


def refuse_flood(rejected: int) -> None:
    """Raises SourceRejectedError(TOO_MANY_REJECTED) before the rejections of one page fill the memory."""
    if rejected > MOST:
        raise SourceRejectedError(Reason.TOO_MANY_REJECTED, f"more than {MOST} rows of one page cannot be taken")


def _id_of(row: Any) -> str | None:
    """What nearly every vendor calls the id, so that a record that cannot be taken is not taken for deleted."""
    found = row.get("id") if isinstance(row, Mapping) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None


def refuse_drift(taken: Taken) -> None:
    """Raises SourceRejectedError(TOO_MANY_REJECTED) where over 5 % of a page are rejected."""
    drift = Drift()
    drift.add(taken)
    drift.refuse()


class Drift:
    """Counts rejected rows over a page or a file, and says when they are too many to be single mistakes."""

    def __init__(self) -> None:
        self._taken = 0
        self._rejected: Counter[str] = Counter()

    def add(self, taken: Taken) -> None:
        """Counts a page."""
        self._taken += len(taken.records)
        self._rejected.update(f"{error.field}: {error.reason.value}" for error in taken.rejected)

    def refuse(self) -> None:
        """Raises SourceRejectedError(TOO_MANY_REJECTED) above 5 % of the rows; a single one never is too many."""
        count = self._rejected.total()
        rows = self._taken + count
        if count > max(1, SHARE * rows):
            often = self._rejected.most_common(1)[0][0]
            raise SourceRejectedError(
                Reason.TOO_MANY_REJECTED, f"{count} of {rows} rows cannot be taken, most often {often}"
            )
