"""The shape of the code: import directions, sizes, names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("exporter", "dashboards")
LONGEST_MODULE, LONGEST_FUNCTION = 400, 40
FORBIDDEN = {"util", "utils", "helper", "helpers", "manager", "core", "common", "misc"}
WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+|_+")
VAGUE = re.compile(
    "_*(around|asked|begun|behind|beside|both|brought|gone|given|here|held|kept|known|left|made|matter|meant|moved|named|"
    "nothing|ours|part|places?|read|said|seen|sent|shown|taken|theirs|there|things?|told|wanted|whole|wished|within|"
    "without|words?|written)_*"
)
"""Names that say what happened to a value, or where it is, and not what it is."""
MOST_VAGUE_NAMES = 0.01

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if "generated" not in path.parts)


def definitions(tree: ast.AST) -> Iterator[Function | ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            yield node


def oversized(path: Path) -> list[str]:
    """What of a module is longer than it may be."""
    source = path.read_text(encoding="utf-8")
    inside = [node for node in definitions(ast.parse(source)) if isinstance(node, Function)]
    sizes = [
        (str(path.relative_to(ROOT)), source.count("\n"), LONGEST_MODULE),
        *((f"{path.name}: {n.name}", (n.end_lineno or 0) - n.lineno + 1, LONGEST_FUNCTION) for n in inside),
    ]
    return [f"{name} has {lines} lines" for name, lines, most in sizes if lines > most]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_imports_point_down_and_each_library_has_one_home() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_named_and_says_what_it_is_for(path: Path) -> None:
    assert oversized(path) == []
    tree = parsed(path)
    assert path.stem.lower() not in FORBIDDEN
    assert path.stat().st_size == 0 or ast.get_docstring(tree)
    for node in definitions(tree):
        if isinstance(node, ast.ClassDef):
            assert WORD.findall(node.name)[-1].lower() not in FORBIDDEN, node.name


def test_modules_of_tests_and_their_functions_are_small_too() -> None:
    paths = sorted((ROOT / "tests").rglob("*.py"))
    assert len(paths) > 200
    assert [fault for path in paths for fault in oversized(path)] == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_others_may_use_is_described(path: Path) -> None:
    for node in parsed(path).body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_a_type_name_means_one_thing() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        for name in types_of(parsed(path)):
            places.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def types_of(tree: ast.Module) -> Iterator[str]:
    """Classes and type aliases of a module, without their leading underscores."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name.strip("_")
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id.strip("_")
            if re.fullmatch(r"[A-Z]\w*[a-z]\w*", name):
                yield name


def test_names_say_what_a_value_is() -> None:
    names = [(name, path.relative_to(ROOT)) for path in modules() for name in assigned_names(parsed(path))]
    vague = sorted((name, str(path)) for name, path in names if VAGUE.fullmatch(name))
    assert len(vague) <= MOST_VAGUE_NAMES * len(names), vague


def assigned_names(tree: ast.Module) -> Iterator[str]:
    """Every variable, parameter and attribute that is bound somewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg):
            yield node.arg


def test_the_config_stays_light_enough_for_the_dashboards() -> None:
    heavy = ("duckdb", "httpx", "starlette", "hypercorn", "prometheus_client", "sqlglot", "grafanalib", "rich")
    code = (
        "import sys, exporter.config.root, exporter.naming, exporter.errors;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_answers_help_without_loading_what_it_may_not_need() -> None:
    heavy = ("duckdb", "httpx", "starlette", "hypercorn", "prometheus_client", "sqlglot", "grafanalib", "holidays")
    code = f"import sys, exporter.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
