"""Text from the config appears literally, whoever reads it."""

from __future__ import annotations

import re

import pytest

from dashboards.encoding import (
    escape_environment,
    escape_grafana_template,
    escape_markdown,
    escape_template,
    escape_variables,
)
from tests.dashboards.samples import HOSTILE

GRAFANA_VARIABLE = re.compile(r"\$(\w+)|\[\[([\s\S]+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
"""What Grafana takes for a variable."""
ENVIRONMENT = re.compile(r"\$(\w+)|\$\{[^}]*\}|\$__\w+\{[^}]*\}")


@pytest.mark.parametrize("text", HOSTILE)
def test_grafana_finds_no_variable_in_a_title(text: str) -> None:
    assert not GRAFANA_VARIABLE.search(escape_variables(text))
    assert escape_variables(text).replace("\u2060", "") == " ".join(text.split())


def test_harmless_text_stays_as_it_is() -> None:
    assert escape_variables("Umsatz (CHF) 100 $ & more") == "Umsatz (CHF) 100 $ & more"
    assert escape_markdown("Umsatz") == "Umsatz"


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_the_text_and_no_markup(text: str) -> None:
    written = escape_markdown(text)
    assert "<" not in written
    assert not re.search(r"(?<!\\)[*_`|\[\]]", written)
    assert not GRAFANA_VARIABLE.search(written)


def test_templates_hold_no_action_but_the_literal_brace() -> None:
    assert escape_template("a {{ b }} {") == 'a {{ "{" }}{{ "{" }} b }} {{ "{" }}'
    assert escape_grafana_template("${HOME}") == '{{ "$" }}{{ "{" }}HOME}'


@pytest.mark.parametrize("text", HOSTILE)
def test_grafana_expands_nothing_of_the_environment(text: str) -> None:
    assert not ENVIRONMENT.search(escape_grafana_template(text))
    assert not ENVIRONMENT.search(escape_environment(text).replace("$$", ""))
    assert escape_environment(text).replace("$$", "$") == text
