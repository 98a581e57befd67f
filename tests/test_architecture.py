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
