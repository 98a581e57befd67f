"""Loading a config, or reporting everything that is wrong with it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.config.loader import MAX_PROBLEMS, load, parse
from exporter.errors import ConfigError
from tests.acceptance.configs import CONFIGS, acceptance_config
from tests.config.minimal import KPI, problems, text


def kpis(*changes: Mapping[str, str]) -> str:
    entries = [", ".join(f"{key}: {value}" for key, value in {**KPI, **change}.items()) for change in changes]
    return "kpis:\n" + "".join(f"- {{{entry}}}\n" for entry in entries)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_acceptance_configs_load(tmp_path: Path, name: str) -> None:
    path = acceptance_config(tmp_path, name)
    loaded = load(path, {})
    assert loaded.config.base == path.parent
    assert {warning.message for warning in loaded.warnings} <= {
        "no KPI uses the metric",
        "a range can be missed on both sides",
    }


class TestLoad:
    def test_paths_are_relative_to_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "deals.csv").write_text("id\n1\n")
        path = tmp_path / "kpis.yaml"
        path.write_text(text())
        assert load(path, {}).config.base == tmp_path

    def test_problems_name_the_file_as_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("kpis.yaml").write_text(text(privacy="privacy: {people: all}"))
        with pytest.raises(ConfigError, match=r"^kpis\.yaml:9: privacy\.people: "):
            load(Path("kpis.yaml"), {}, check_files=False)

    def test_files_and_secrets_must_exist(self, tmp_path: Path) -> None:
        path = tmp_path / "kpis.yaml"
        path.write_text(text(contacts="contacts: [{name: a, slack: {webhook: {env: HOOK}}}]"))
        with pytest.raises(ConfigError) as error:
            load(path, {})
        assert [problem.path for problem in error.value.problems] == [
            "sources[0].path",
            "contacts[0].slack.webhook.env",
        ]

    def test_files_and_secrets_can_be_ignored(self, tmp_path: Path) -> None:
        path = tmp_path / "kpis.yaml"
        path.write_text(text(contacts="contacts: [{name: a, slack: {webhook: {env: HOOK}}}]"))
        assert load(path, {}, check_files=False).config.contacts

    def test_a_missing_file_is_a_problem_of_the_config(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="the file does not exist"):
            load(tmp_path / "none.yaml", {})


class TestAllProblemsAtOnce:
    def test_problems_of_yaml_model_and_references_are_reported_together(self) -> None:
        found = problems(
            company="company: {name: Acme, timezone: Mars, name: Other}",
            kpis=kpis({"value": "wno"}, {"name": "second", "objective": "grwo"}),
        )
        assert len(found) == 4  # a duplicate key, the zone, two references
        lines = [int(problem.split(":")[1]) for problem in found]
        assert lines == sorted(lines)

    def test_files_and_secrets_are_checked_even_if_there_are_other_problems(self, tmp_path: Path) -> None:
        wrong = "company: {name: Acme, timezone: Mars}"
        with pytest.raises(ConfigError) as error:
            parse(text(company=wrong), "a.yaml", tmp_path, {})
        assert [problem.path for problem in error.value.problems] == ["company.timezone", "sources[0].path"]

    def test_definitions_after_an_invalid_one_keep_their_index(self) -> None:
        found = problems(
            metrics="metrics:\n- {name: won, title: 5, entity: deals, at: closed_at, count: rows}\n"
            "- {name: x, title: X, entity: deals, at: nowhere, count: rows}"
        )
        assert [problem.split(": ")[1] for problem in found] == ["metrics[0].title", "metrics[1].at"]

    def test_secrets_after_an_invalid_source_keep_their_index(self) -> None:
        two = "sources:\n- {name: a, provider: none}\n- {name: b, provider: hubspot, token: {env: B}}"
        with pytest.raises(ConfigError) as error:
            parse(text(sources=two), "a.yaml", Path(), {})
        assert "sources[1].token.env" in [problem.path for problem in error.value.problems]

    def test_an_entity_is_not_missed_while_a_source_is_invalid(self) -> None:
        found = problems(sources="sources: [{name: crm, provider: none}]")
        assert len(found) == 1

    def test_an_invalid_setting_does_not_hide_the_others(self) -> None:
        found = problems(company="company: {name: Acme, timezone: UTC, currency: chf, holidays: {country: XX}}")
        assert len(found) == 2

    def test_references_of_an_invalid_kpi_are_checked(self) -> None:
        wrong = {"period": "never", "guard": "none_such", "supporting": "[gone, 5]", "value": "won + x"}
        found = problems(kpis=kpis({**wrong, "alerts": "{notify: [nobody]}"}))
        messages = " ".join(found)
        assert all(name in messages for name in ("none_such", "gone", "nobody", "'x'"))

    def test_at_most_a_hundred_problems_are_reported(self) -> None:
        assert len(problems(kpis=kpis(*[{"owner": "5", "wrong": "1"}] * 200))) == MAX_PROBLEMS

    @pytest.mark.parametrize("whole", ["- a\n", "5\n", "text\n"])
    def test_a_file_that_is_not_a_mapping_is_rejected(self, whole: str) -> None:
        with pytest.raises(ConfigError, match="expected a section with company, sources, metrics"):
            parse(whole, "a.yaml", Path())


class TestOrigin:
    def test_a_loaded_config_knows_its_lines(self) -> None:
        config = parse(text(), "a.yaml", Path()).config
        assert (
            str(config.origin.problem(("metrics", 0, "title"), "odd", "fix it"))
            == "a.yaml:5: metrics[0].title: odd (fix it)"
        )


def test_a_very_large_config_is_checked(tmp_path: Path) -> None:
    metrics = "".join(f"- {{name: m{n}, title: M, entity: deals, at: closed_at, count: rows}}\n" for n in range(3000))
    loaded = parse(text(metrics="metrics:\n" + metrics), "a.yaml", tmp_path)
    assert len(loaded.config.metrics) == 3000
    assert len(loaded.warnings) == MAX_PROBLEMS


def test_a_copied_file_gives_an_equal_config(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text())
    shutil.copy(path, tmp_path / "b.yaml")
    first, second = (load(tmp_path / name, {}, check_files=False).config for name in ("a.yaml", "b.yaml"))
    assert first.model_dump() == second.model_dump()
