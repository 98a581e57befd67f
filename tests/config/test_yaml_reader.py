"""Reading YAML into a tree with lines, and limits against hostile files."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.yaml_reader import MAX_BYTES, MAX_LINES, MAX_NODES, MAX_PROBLEMS, MAX_WRITTEN, parse, read, scalar
from exporter.errors import ConfigError


def tree(text: str) -> Any:
    document = parse(text, "a.yaml")
    assert document.problems == ()
    return document.origin.tree


def rejection(text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        parse(text, "a.yaml")
    return [str(problem) for problem in error.value.problems]


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, "a.yaml").problems]


class TestTree:
    def test_the_tree_is_made_of_plain_values(self) -> None:
        assert tree("a: [1, 2.5, x, true, ~]\nb:\n  c: |\n    two\n    lines\n") == {
            "a": [1, 2.5, "x", True, None],
            "b": {"c": "two\nlines\n"},
        }

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("no", "no"),
            ("yes", "yes"),
            ("on", "on"),
            ("Off", "Off"),
            ("True", "True"),
            ("true", True),
            ("false", False),
            ("12:30:00", "12:30:00"),
            ("190:20:30", "190:20:30"),
            ("010", "010"),
            ("0o17", "0o17"),
            ("0x1F", "0x1F"),
            ("0b11", "0b11"),
            ("1_000", "1_000"),
            ("1e3", 1000.0),
            ("1.5e-3", 0.0015),
            ("-5", -5),
            ("+5", 5),
            ("0", 0),
            ("-0", 0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1.2.3", "1.2.3"),
            ("2026-03-31", "2026-03-31"),
            ("2026-03-31 12:00:00", "2026-03-31 12:00:00"),
            ("~", None),
            ("null", None),
            ("Null", "Null"),
            ("=", "="),
            ("'5'", "5"),
            ('"true"', "true"),
            ("15%", "15%"),
            ("e3", "e3"),
            ("123456789012345678", 123456789012345678),
        ],
    )
    def test_only_unambiguous_text_becomes_another_type(self, text: str, expected: object) -> None:
        value = tree(f"a: {text}\n")["a"]
        assert value == expected
        assert type(value) is type(expected)

    def test_keys_are_text_whatever_they_look_like(self) -> None:
        assert tree("{1: a, true: b, 010: c, ~: d, 2026-01-01: e}") == {
            "1": "a",
            "true": "b",
            "010": "c",
            "~": "d",
            "2026-01-01": "e",
        }

    def test_every_key_and_element_has_its_line(self) -> None:
        origin = parse("a: 1\nb:\n  - x\n  - c: 1\n\n    d: [\n      1,\n      2]\n", "a.yaml").origin
        lines = {("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "d"): 6, ("b", 1, "d", 1): 8}
        assert {path: origin.line(path) for path in lines} == lines

    def test_a_byte_order_mark_is_ignored(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_bytes(b"\xef\xbb\xbfa: 1\n")
        assert tree(read(path, "a.yaml")) == {"a": 1}


class TestAnchors:
    def test_an_alias_has_the_value_of_its_anchor(self) -> None:
        assert tree("a: &x {b: 1}\nc: *x\nd: &y 5\ne: [*y, *x]\n") == {
            "a": {"b": 1},
            "c": {"b": 1},
            "d": 5,
            "e": [5, {"b": 1}],
        }

    def test_an_anchor_is_valid_until_the_next_of_its_name(self) -> None:
        assert tree("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}

    def test_a_merge_adds_missing_keys(self) -> None:
        assert tree("a: &x {b: 1, c: 2}\nd: {c: 3, <<: *x}\n")["d"] == {"b": 1, "c": 3}

    def test_of_several_merges_the_first_wins(self) -> None:
        assert tree("a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}\n")["e"] == {"b": 1, "d": 3}

    def test_a_merged_key_has_the_line_of_its_definition(self) -> None:
        origin = parse("a: &x\n  b: 1\nc:\n  <<: *x\n", "a.yaml").origin
        assert origin.line(("c", "b")) == 2

    def test_an_alias_as_key_is_its_text(self) -> None:
        assert tree("a: &x key\n*x : 1\n") == {"a": "key", "key": 1}


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("opening", "times"), [("[", 100_000), ("{a: ", 100_000), ("- ", 100_000), ("? ", 100_000), ("[\n", 20_000)]
    )
    def test_nesting_is_limited_to_fifty_levels(self, opening: str, times: int) -> None:
        (problem,) = rejection(opening * times)
        assert "deeper than 50 levels" in problem

    def test_fifty_levels_are_fine_and_one_more_is_not(self) -> None:
        assert tree("[" * 49 + "x" + "]" * 49)
        assert "deeper" in rejection("[" * 50 + "x" + "]" * 50)[0]

    def test_an_alias_counts_with_the_depth_of_its_value(self) -> None:
        lines = ["a0: &a0 [[[[[[[[[[x]]]]]]]]]]"]
        lines += [f"a{n}: &a{n} [[[[[[[[[[*a{n - 1}]]]]]]]]]]" for n in range(1, 6)]
        assert "deeper than 50 levels" in rejection("\n".join(lines))[0]

    def test_an_alias_counts_with_all_nodes_of_its_value(self) -> None:
        lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
        lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in pairwise("abcde")]
        assert str(MAX_NODES) in rejection("\n".join(lines))[0]

    def test_merging_a_bomb_is_rejected_too(self) -> None:
        lines = ["a: &a {k: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}"]
        lines += [f"{name}: &{name} {{k: [{', '.join([f'*{before}'] * 10)}]}}" for before, name in pairwise("abcde")]
        assert rejection("\n".join([*lines, "f: {<<: *e}"]))

    def test_the_number_of_values_is_limited(self) -> None:
        assert str(MAX_WRITTEN) in rejection("[" + "a," * (MAX_WRITTEN + 1) + "]")[0]

    def test_the_number_of_lines_is_limited(self) -> None:
        assert str(MAX_LINES) in rejection("# x\n" * (MAX_LINES + 1))[0]

    def test_reading_stops_after_a_hundred_problems(self) -> None:
        assert len(rejection("a: 1\n" * 1000)) == MAX_PROBLEMS

    def test_a_file_of_50_megabytes_is_rejected_before_it_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        with path.open("wb") as file:
            file.truncate(50_000_000)
        with pytest.raises(ConfigError, match="larger than 1 MiB"):
            read(path, "a.yaml")

    def test_a_file_of_one_mebibyte_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text("a: 1\n#" + "x" * (MAX_BYTES - 6))
        assert tree(read(path, "a.yaml")) == {"a": 1}


class TestFiles:
    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"here\.yaml: the file does not exist"):
            read(tmp_path / "gone.yaml", "here.yaml")

    def test_a_directory_is_rejected(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="this is a directory"):
            read(tmp_path, "here.yaml")

    def test_a_file_that_cannot_be_read_says_why(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.yaml"
        path.write_text("a: 1")

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
            read(path, "a.yaml")

    def test_other_encodings_are_rejected_with_the_line(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_bytes(b"a: 1\nb: caf\xe9\n")
        with pytest.raises(ConfigError, match=r"a\.yaml:2: the file is not UTF-8"):
            read(path, "a.yaml")


class TestProblemsThatDoNotStopReading:
    def test_duplicate_keys_keep_the_first_and_name_its_line(self) -> None:
        document = parse("a: 1\nb: 2\na: 3\n", "a.yaml")
        assert document.origin.tree == {"a": 1, "b": 2}
        assert problems("a: 1\nb: 2\na: 3\n") == ["a.yaml:3: duplicate key 'a' (it is already in line 1: keep one)"]

    def test_keys_that_are_the_same_text_are_duplicates_whatever_their_quotes(self) -> None:
        assert len(problems('{a: 1, "a": 2}')) == 1

    def test_all_of_them_are_reported(self) -> None:
        messages = problems('a: !x 1\nb: *c\nd: .inf\ne: {[f]: g}\nh: "\\0"\n<<: 5\n')
        assert [int(text.split(":")[1]) for text in messages] == [1, 2, 3, 4, 5, 6]

    def test_problems_before_a_syntax_error_are_reported_with_it(self) -> None:
        assert len(rejection("a: 1\na: 2\nb: [\n")) == 2

    @pytest.mark.parametrize(
        "secret", ["*hunter2", "!hunter2 x", "&hunter2", "@hunter2", "%hunter2", "`hunter2", "[hunter2"]
    )
    def test_a_password_that_begins_with_a_special_character_is_not_shown(self, secret: str) -> None:
        try:
            messages = problems(f"password: {secret}\n")
        except ConfigError as error:
            messages = [str(error)]
        assert "hunter2" not in "".join(messages)


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e999", "-1e400", "1234567890123456789"])
def test_a_number_that_is_too_large_or_not_finite_is_rejected_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|infinity") as error:
        scalar(text)
    assert text not in str(error.value)


@given(st.integers(-(10**17), 10**17))
def test_an_integer_is_read_as_itself(number: int) -> None:
    assert scalar(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: "e+" not in repr(number)))
def test_a_float_is_read_as_itself(number: float) -> None:
    assert scalar(repr(number)) == number


@given(st.text())
def test_any_text_is_read_as_text_a_number_a_boolean_or_none(text: str) -> None:
    try:
        value = scalar(text)
    except ValueError:
        return
    assert value is None or isinstance(value, bool | int | float) or value == text
