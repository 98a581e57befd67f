"""The JSON Schema. test_key_reference compares it with its file and validates configs with it."""

from __future__ import annotations

from exporter.config.schema import schema


def test_it_names_its_dialect_and_itself() -> None:
    generated = schema()
    assert generated["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert generated["title"] == "Config of KPI Exporter"
    assert generated["required"] == ["company", "sources", "metrics"]


def test_descriptions_are_the_docstrings_of_the_fields_inherited_ones_too() -> None:
    definitions = schema()["$defs"]
    assert definitions["Kpi"]["properties"]["why"]["description"] == "Why this KPI matters; shown next to it."
    assert definitions["CsvOptions"]["properties"]["sync_every"]["description"] == "Pause between two passes."
    assert definitions["Goal"]["properties"]["from"]["description"] == "The baseline: the value at `start`."


def test_defaults_are_written_as_in_a_config() -> None:
    definitions = schema()["$defs"]
    assert definitions["CsvOptions"]["properties"]["reconcile_every"]["default"] == "24h"
    assert definitions["Alerts"]["properties"]["for"]["default"] == "30m"
    assert "default" not in definitions["Entry"]["properties"]["since"]
    assert "default" not in definitions["Kpi"]["properties"]["target"]


def test_no_title_repeats_a_key() -> None:
    assert all("title" not in definition for definition in schema()["$defs"].values())
