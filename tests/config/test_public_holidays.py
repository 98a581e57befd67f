"""Public holidays by country."""

from __future__ import annotations

import subprocess
import sys

import pytest

from exporter.config.public_holidays import countries, public_holidays, subdivisions

ALONE = """
import sys
from datetime import date
from exporter.config.public_holidays import public_holidays
assert date(2026, 7, 14) in public_holidays("MQ", None)
assert "holidays.countries.switzerland" not in sys.modules
from holidays.countries import Switzerland
assert date(2026, 8, 1) in Switzerland()
"""


@pytest.mark.parametrize("country", sorted(countries()))
def test_every_country_is_found_with_its_parts(country: str) -> None:
    assert all(isinstance(part, str) for part in subdivisions(country))
    public_holidays(country, None)


def test_a_country_built_on_another_is_loaded_without_the_rest_and_the_package_stays_whole() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_unknown_is_said() -> None:
    with pytest.raises(NotImplementedError):
        public_holidays("XX", None)
    with pytest.raises(NotImplementedError):
        public_holidays("CH", "QQ")
