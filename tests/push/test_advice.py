"""Every rejection tells its sender what to change."""

from __future__ import annotations

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.push.advice import advice
from exporter.records import ENTITIES, columns

OF_RECORDS = list(Reason)[list(Reason).index(Reason.MISSING_FIELD) :]


@pytest.mark.parametrize("reason", OF_RECORDS)
def test_each_reason_has_its_words(reason: Reason) -> None:
    said = advice(InvalidRecordError(reason, "amount"), "deals", ("deals",))
    assert said.startswith("amount ")
    assert said != "amount cannot be taken"


@pytest.mark.parametrize("reason", [Reason.MISSING_FIELD, Reason.SCHEMA, Reason.BAD_TYPE])
def test_lines_that_do_not_fit_are_called_so(reason: Reason) -> None:
    assert advice(InvalidRecordError(reason, "line"), "deals", ("deals",)).startswith("the line ")


def test_closed_lists_are_listed() -> None:
    unknown = Reason.UNKNOWN_VALUE
    assert advice(InvalidRecordError(unknown, "status"), "deals", ("deals",)) == "status is one of open, won, lost"
    assert advice(InvalidRecordError(unknown, "active"), "people", ()) == "active is true or false"
    assert advice(InvalidRecordError(unknown, "deleted"), "people", ()) == "deleted is true or false"
    assert "deals, people" in advice(InvalidRecordError(Reason.MISSING_FIELD, "entity"), None, ("deals", "people"))
    assert "object" in advice(InvalidRecordError(Reason.BAD_TYPE, "record"), None, ("deals",))


def test_every_column_with_choices_names_them_all() -> None:
    for entity in ENTITIES:
        for column in columns(entity):
            if column.choices:
                said = advice(InvalidRecordError(Reason.UNKNOWN_VALUE, column.name), entity, (entity,))
                assert said.endswith(", ".join(column.choices))
