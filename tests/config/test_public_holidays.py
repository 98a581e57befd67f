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
def test_every_country_has_holidays_and_subdivisions(country: str) -> None:
    assert all(isinstance(name, str) for name in subdivisions(country))
    public_holidays(country, None)


def test_one_country_is_imported_alone_and_the_package_still_works() -> None:
    process = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_an_unknown_country_or_subdivision_raises() -> None:
    with pytest.raises(NotImplementedError):
        public_holidays("XX", None)
    with pytest.raises(NotImplementedError):
        public_holidays("CH", "QQ")
