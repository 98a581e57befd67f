"""Files that show every key are in step with the model: the README's tables, the reference config, the schema."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from exporter.config import practice, yaml_reader
from exporter.config.loader import load
from exporter.config.schema import Fragment, schema
from exporter.config.sources.base import HttpOptions, SourceOptions
from tests.config.key_reference import README, section_types, updated_readme

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "config" / "kpis.schema.json"
REFERENCE = ROOT / "config" / "kpis.reference.yaml"


def tree(path: Path) -> Any:
    return yaml_reader.parse(yaml_reader.read(path, path.name), path.name).origin.tree


class Walk:
    """Goes through a config and its schema side by side and notes which keys of which kind of section it meets."""

    def __init__(self) -> None:
        self.root = schema()
        self.met: set[tuple[str, str]] = set()

    def forms(self, name: str, fragment: Fragment) -> list[tuple[str, Fragment]]:
        if "$ref" in fragment:
            called = fragment["$ref"].rsplit("/", 1)[1]
            return self.forms(called, self.root["$defs"][called])
        choices = fragment.get("anyOf") or fragment.get("oneOf")
        return [form for choice in choices for form in self.forms(name, choice)] if choices else [(name, fragment)]

    def go(self, name: str, fragment: Fragment, node: Any) -> None:
        for called, form in self.forms(name, fragment):
            if isinstance(node, dict) and "properties" in form and node.keys() <= form["properties"].keys():
                self.section(called, form, node)
            elif isinstance(node, dict):
                for inner in [*form.get("patternProperties", {}).values(), form.get("additionalProperties")]:
                    if isinstance(inner, dict):
                        for value in node.values():
                            self.go(called, inner, value)
            elif isinstance(node, list) and "items" in form:
                for value in node:
                    self.go(called, form["items"], value)

    def section(self, name: str, form: Fragment, node: dict[str, Any]) -> None:
        if form["properties"].get("provider", {}).get("const") in (None, node.get("provider")):
            for key, value in node.items():
                self.met |= {(name, key)} | (
                    {("DatedEntry", key)} if set(form["properties"]) == {"is", "since"} else set()
                )
                if "provider" in node:
                    self.met |= {
                        (kind.__name__, key) for kind in (SourceOptions, HttpOptions) if key in kind.model_fields
                    }
                self.go(name, form["properties"][key], value)


def test_the_reference_shows_every_key() -> None:
    walk = Walk()
    walk.go("Config", walk.root, tree(REFERENCE))
    missing = {(name, key) for name, kind in section_types().items() for key in kind.keys} - walk.met
    missing.discard(("SourceOptions", "provider"))
    assert missing == set(), "config/kpis.reference.yaml lacks these (kind of section, key)"


def test_every_key_of_the_reference_has_a_comment_on_its_line_or_above() -> None:
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    assert sum("#" in line for line in lines) > 0.4 * len(lines)


def test_the_reference_is_good_practice() -> None:
    loaded = load(REFERENCE, {}, check_files=False)
    assert loaded.warnings == ()
    assert practice.problems(loaded.config, date(2026, 11, 22)) == ()


def test_every_key_says_what_it_is_for() -> None:
    silent = [
        (name, key.name) for name, kind in section_types().items() for key in kind.keys.values() if not key.meaning
    ]
    assert silent == [], "write it under the field, as a string"


def test_the_readme_has_the_tables() -> None:
    expected = updated_readme()
    if os.environ.get("UPDATE_GOLDENS"):
        README.write_text(expected, encoding="utf-8")
    assert README.read_text(encoding="utf-8") == expected, "make generate writes them"
    assert "`sync_every`" in expected


def test_the_schema_is_in_step() -> None:
    wanted = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDENS"):
        SCHEMA.write_text(wanted, encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == wanted, "UPDATE_GOLDENS=1 writes it"


def test_the_readme_s_own_example_loads(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "kpis.yaml"
    path.write_text("".join(block for block in blocks if not block.startswith("#")))
    config = load(path, {"HUBSPOT_TOKEN": "x"}).config
    assert [kpi.name for kpi in config.kpis] == ["win_rate"]


@pytest.mark.parametrize("path", sorted((ROOT / "tests/data/config").glob("*.ok.yaml")), ids=lambda path: path.stem)
def test_the_schema_takes_what_loads(path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    assert [error.message for error in validator.iter_errors(tree(path))] == []


def test_the_schema_takes_the_reference() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert [error.message for error in jsonschema.Draft202012Validator(schema()).iter_errors(tree(REFERENCE))] == []


@pytest.mark.parametrize(
    "case",
    [
        "a_key_is_unknown",
        "needed_keys_are_missing",
        "a_list_is_written_as_text",
        "a_word_is_misspelt",
        "a_name_has_capitals",
        "a_duration_has_no_unit",
        "a_target_is_text",
        "a_secret_stands_in_the_file",
        "an_entity_is_unknown",
        "a_provider_is_unknown",
        "a_title_is_a_number",
    ],
)
def test_the_schema_refuses_what_an_editor_can_see(case: str) -> None:
    wrong = tree(ROOT / "tests/data/config" / f"{case}.bad.yaml")
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(wrong))
