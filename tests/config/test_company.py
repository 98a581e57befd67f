"""The company's own settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from exporter.config.company import Company


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "posix/Europe/Zurich", "right/Europe/Zurich", "Mars", ""])
def test_a_time_zone_has_a_name_that_every_machine_knows(zone: str) -> None:
    with pytest.raises(ValidationError, match="expected a time zone"):
        Company.model_validate({"name": "Example", "timezone": zone})
