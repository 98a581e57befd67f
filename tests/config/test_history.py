"""How long versions of records are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from exporter.config.history import History


def test_by_default_versions_stay_for_400_days() -> None:
    assert History().retention == timedelta(days=400)


def test_retention_is_a_duration() -> None:
    assert History.model_validate({"retention": "30d"}).retention == timedelta(days=30)


@pytest.mark.parametrize("wrong", ["1h", "soon", -1])
def test_a_wrong_retention_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        History.model_validate({"retention": wrong})
