"""pydantic's errors in plain words, and never a secret in them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config.expectations import Expectations
from exporter.config.loader import parse
from exporter.config.positions import path_text
from exporter.errors import ConfigError
from tests.config.key_reference import section_types
from tests.config.minimal import problems, text

REFERENCE = Path(__file__).parents[2] / "config" / "kpis.reference.yaml"
CANARY = "s3cr3t-Canary-0123456789"


def secrets(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in the reference config secrets stand."""
    if isinstance(node, dict):
        if node and node.keys() <= {"env", "file"}:
            return [path]
        return [found for key, part in node.items() for found in secrets(part, (*path, key))]
    if isinstance(node, list):
        return [found for place, part in enumerate(node) for found in secrets(part, (*path, place))]
    return []


TREE = yaml.safe_load(REFERENCE.read_text(encoding="utf-8"))
FORMS: list[Any] = [
    CANARY,
    {"env": CANARY},
    {"value": CANARY},
    {CANARY: None},
    {"env": "A", CANARY: "b"},
    [CANARY],
    {"env": [CANARY]},
    {"env": {CANARY: 1}},
    {"file": [CANARY]},
    {"env": "A", "file": CANARY},
    {"env": f"$({CANARY})"},
    f"!{CANARY}",
    f"${{{CANARY}}}",
]


def with_all(value: Any) -> str:
    """The reference config with this in the place of every secret."""
    tree = copy.deepcopy(TREE)
    for path in secrets(TREE):
        node = tree
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = value
    return yaml.safe_dump(tree, sort_keys=False)


def test_the_reference_has_secrets_of_every_kind() -> None:
    assert len(secrets(TREE)) > 12


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_literal_secret_is_refused_and_never_shown(form: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(with_all(form), "a.yaml", Path(), {})
    assert CANARY not in str(refused.value)
    blamed = [problem.path for problem in refused.value.problems]
    for path in secrets(TREE):
        assert any(found.startswith(path_text(path)) for found in blamed), path


@pytest.mark.parametrize(
    "section",
    [
        "auth: canary",
        "auth: {bearer: canary}",
        "auth: {basic: {user: a, password: canary}}",
        "auth: {token: {canary: a}}",
        "auth: [canary]",
        "headers: {Authorization: Bearer canary}",
        "headers: {X-Api-Key: canary}",
        "headers: [canary]",
        "base_url: 'https://me:canary@example.com'",
        "base_url: 'https://example.com/?key=canary'",
        "auth: {oauth: {client_id: a, client_secret: {env: B}, token_url: 'https://a:canary@example.com'}}",
        "auth: {header: {name: 'canary: x', value: {env: B}}}",
        "timeout: canary",
        "sync_every: {canary: 1}",
        "entities: canary",
        "name: CANARY-canary",
        "max_per_second: canary",
    ],
)
def test_a_secret_in_a_wrong_place_of_a_source_is_not_shown(section: str) -> None:
    source = (
        "sources:\n- provider: rest\n  name: x\n  base_url: https://example.com\n"
        "  entities: [{entity: deals, path: /d, columns: {id: id}}]\n"
    )
    key = section.split(":", maxsplit=1)[0]
    lines = [line for line in source.splitlines() if not line.strip().startswith(f"{key}:")]
    found = problems(sources="\n".join([*lines, f"  {section}"]))
    assert found
    assert "canary" not in " ".join(found).replace("auth.token.canary", "")


class TestWords:
    @pytest.mark.parametrize(
        ("section", "message"),
        [
            (
                "dashboards: {leaderboard: yes}",
                "expected true or false, found text (write true or false, without quotes)",
            ),
            ("dashboards: 5", "expected a section with url, prometheus_url"),
            ("teams: North", "expected a list, found text"),
            ("teams: [{}]", "name is missing (text; Name on dashboards and in the `team` label)"),
            ("teams: [{name: 5}]", "expected text, found a number (put it in quotes)"),
            ("teams: [{name: North, members: [5]}]", "expected text or a section with person, found a number"),
            ("alerting: {smtp: {host: a, sender: a@b, port: 1.5}}", "expected a whole number, found a number"),
            ("alerting: {smtp: {host: a, sender: a@b, port: 70000}}", "the number is too large (at most 65535)"),
            ("alerting: {repeat: 5s}", "the duration is too short (at least 1m)"),
            ("privacy: {people: [a]}", "expected one of included, separate"),
            ("wrong: 1\n'a b': 1", "unknown key 'wrong'"),
        ],
    )
    def test_a_fault_says_what_is_expected(self, section: str, message: str) -> None:
        found = problems(more=section)
        assert any(message in problem for problem in found), found

    def test_a_pattern_of_a_provider_is_explained_by_the_key(self) -> None:
        wrong = "{entity: deals, table: 'a b', columns: {id: id}}"
        found = problems(sources=f"sources: [{{name: x, provider: sql, engine: sqlite, path: a, entities: [{wrong}]}}]")
        assert any("(Name of a table or view" in problem for problem in found)

    def test_an_unknown_key_in_a_union_names_the_keys_of_the_closest_form(self) -> None:
        paging = "pagination: {cursor: {path: a, param: b}, siez: 1}"
        found = problems(
            sources="sources: [{name: x, provider: rest, base_url: https://a.example, "
            f"entities: [{{entity: deals, path: /d, {paging}, columns: {{id: id}}}}]}}]"
        )
        assert any(
            "unknown key 'siez' (did you mean size? keys allowed here: cursor, size)" in problem for problem in found
        )

    def test_two_forms_at_once_are_told_apart(self) -> None:
        paging = "pagination: {cursor: {path: a, param: b}, page: {}, size: {param: a, rows: 1}}"
        found = problems(
            sources="sources: [{name: x, provider: rest, base_url: https://a.example, "
            f"entities: [{{entity: deals, path: /d, {paging}, columns: {{id: id}}}}]}}]"
        )
        assert any("page cannot be combined with cursor, size" in problem for problem in found), found

    def test_a_long_hostile_key_stays_one_short_line(self) -> None:
        found = problems(more=f'"{"x" * 500}\\n{{}}": 1')
        assert len(found) == 1
        assert "\n" not in found[0]
        assert len(found[0]) < 400


def test_expectations_have_words_for_every_key() -> None:
    assert [key.name for kind in section_types().values() for key in kind.keys.values() if not key.takes] == []


def test_expectations_are_silent_where_nothing_is_expected() -> None:
    assert Expectations().text(("nowhere", 3), {}) == ""
    assert Expectations().keys(("nowhere",), {}) == []


def test_the_minimal_config_has_no_fault() -> None:
    assert problems() == []
    assert text().startswith("company:")
