"""What the page says about files that were changed and rejected."""

from __future__ import annotations

import pytest

from exporter import naming
from exporter.exposition.self_metrics import SelfMetrics
from exporter.naming import Family
from tests.web.test_status_page import PageParser, page


def alerts(*values: tuple[Family, float, str]) -> str:
    self_metrics = SelfMetrics()
    for family, value, *labels in values:
        self_metrics.set(family, value, *filter(None, labels))
    html = page(None, self_metrics)
    return PageParser(html).words if 'role="alert"' in html else ""


@pytest.mark.parametrize(
    ("family", "label", "text"),
    [
        (naming.RELOAD_SUCCESS, "", "The config was changed and rejected"),
        (naming.WEB_RELOAD_SUCCESS, "", "The web config or one of its files was changed and rejected"),
        (naming.PUSH_TOKEN_USABLE, "shop", "The token of shop cannot be used"),
    ],
)
def test_a_rejected_file_is_told_as_long_as_it_is_rejected(family: Family, label: str, text: str) -> None:
    assert text in alerts((family, 0, label))
    assert alerts((family, 1, label)) == ""
