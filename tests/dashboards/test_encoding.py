"""Generated text reads back as what was meant, whoever reads it."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import yaml

from dashboards.encoding import (
    NOTICE,
    duration_text,
    escape_environment,
    escape_grafana_template,
    escape_markdown,
    escape_template,
    escape_variables,
    json_text,
    promql_seconds,
    yaml_text,
)
from tests.dashboards.checks.shape import duration
from tests.dashboards.samples import HOSTILE

TRAPS = (
    "no",
    "Yes",
    "on",
    "null",
    "~",
    "1e3",
    "010",
    "12:30:00",
    "1_000",
    ".5",
    "0x1f",
    "-",
    "- a",
    "a: b",
    "# c",
    "",
    " x ",
)


@pytest.mark.parametrize("text", [*TRAPS, *HOSTILE, "two\nlines", "tab\tand é 日本", "\u2028"])
def test_any_text_in_yaml_reads_back_as_the_same_text(text: str) -> None:
    document = yaml_text({"key": text, text or "k": [text]})
    assert yaml.safe_load(document) == {"key": text, text or "k": [text]}
    line = next(line for line in document.splitlines() if line.startswith("key:"))
    assert text not in TRAPS or line.split(": ", 1)[1][0] in "'\""


def test_plain_words_are_not_quoted() -> None:
    assert yaml_text({"a": "win_rate", "count": 1, "b": True}) == NOTICE + "a: win_rate\ncount: 1\nb: true\n"


def test_yaml_has_no_anchors() -> None:
    shared = {"x": ["y"]}
    assert "&" not in yaml_text({"a": shared, "b": shared})


def test_json_keeps_its_order_and_rejects_nan() -> None:
    assert json_text({"b": 1, "a": "é"}) == '{\n  "b": 1,\n  "a": "é"\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        json_text(float("nan"))
    assert json.loads(json_text(HOSTILE)) == list(HOSTILE)


GRAFANA_VARIABLE = re.compile(r"\$(\w+)|\[\[([\s\S]+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
"""What Grafana replaces as a variable."""
ENVIRONMENT = re.compile(r"\$(\w+)|\$\{[^}]*\}|\$__\w+\{[^}]*\}")


@pytest.mark.parametrize("text", HOSTILE)
def test_an_escaped_title_contains_no_grafana_variable(text: str) -> None:
    assert not GRAFANA_VARIABLE.search(escape_variables(text))
    assert escape_variables(text).replace("\u2060", "") == " ".join(text.split())


def test_harmless_text_is_not_changed() -> None:
    assert escape_variables("Umsatz (CHF) 100 $ & more") == "Umsatz (CHF) 100 $ & more"
    assert escape_markdown("Umsatz") == "Umsatz"


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_markdown_contains_no_markup(text: str) -> None:
    markdown = escape_markdown(text)
    assert "<" not in markdown
    assert not re.search(r"(?<!\\)[*_`|\[\]]", markdown)
    assert not GRAFANA_VARIABLE.search(markdown)


def test_an_escaped_template_contains_no_action_but_the_literal_brace() -> None:
    assert escape_template("a {{ b }} {") == 'a {{ "{" }}{{ "{" }} b }} {{ "{" }}'
    assert escape_grafana_template("${HOME}") == '{{ "$" }}{{ "{" }}HOME}'


@pytest.mark.parametrize("text", HOSTILE)
def test_grafana_expands_no_environment_variable(text: str) -> None:
    assert not ENVIRONMENT.search(escape_grafana_template(text))
    assert not ENVIRONMENT.search(escape_environment(text).replace("$$", ""))
    assert escape_environment(text).replace("$$", "$") == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=90), "90m"),
        (timedelta(hours=24), "1d"),
        (timedelta(days=400), "400d"),
        (timedelta(milliseconds=1500), "1500ms"),
    ],
)
def test_a_duration_has_the_largest_whole_unit(span: timedelta, text: str) -> None:
    assert duration_text(span) == text
    assert duration(text) == span.total_seconds()


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "1h30m", None, 5])
def test_other_texts_are_not_durations(text: object) -> None:
    assert duration(text) is None


def test_seconds_in_promql_have_no_exponent() -> None:
    assert promql_seconds(timedelta(days=30)) == "2592000"
    assert promql_seconds(timedelta(seconds=2.5)) == "2.5"
