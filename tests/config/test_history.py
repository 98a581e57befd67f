"""How long versions of records are kept, and when a period is final."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config.history import History, Restate


def test_by_default_a_period_settles_for_three_workdays_and_versions_stay_for_400_days() -> None:
    history = History()
    assert (history.retention, history.settling, history.restate) == (timedelta(days=400), 3, Restate.NEVER)


def test_retention_is_a_duration() -> None:
    assert History.model_validate({"retention": "30d"}).retention == timedelta(days=30)


def test_restate_is_one_of_two_words() -> None:
    assert History.model_validate({"restate": "always"}).restate is Restate.ALWAYS


@pytest.mark.parametrize(
    "wrong",
    [
        {"retention": "1h"},
        {"retention": "soon"},
        {"retention": -1},
        {"settling": -1},
        {"settling": 1.5},
        {"settling": "3d"},
        {"restate": "sometimes"},
    ],
)
def test_a_wrong_value_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        History.model_validate(wrong)
