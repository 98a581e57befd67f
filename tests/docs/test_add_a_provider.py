"""The guide to a new provider works: its blocks, applied in order to a copy of the project, pass the affected checks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/contributing/add-a-provider.md"
BLOCK = re.compile(
    r"^(?P<fence>```+)(?:python|yaml|ini|markdown)\n# (?P<path>\S+?)(?:, (?P<where>after|before): (?P<anchor>[^\n]*))?\n"
    r"(?P<text>.*?)^(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)
COPIED = (
    "exporter",
    "dashboards",
    "config",
    "docs",
    "deploy",
    "tests",
    "pyproject.toml",
    ".importlinter",
    "Makefile",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docker-compose.yml",
)
NEW = (
    "exporter/config/sources/tidydesk.py",
    "exporter/sources/providers/tidydesk.py",
    "tests/sources/providers/tidydesk_vendor.py",
    "tests/sources/providers/test_tidydesk.py",
)
AFFECTED = (
    "tests/sources/providers/test_tidydesk.py", "tests/sources/test_pitfalls.py", "tests/sources/test_registry.py",
    "tests/docs/test_provider_pages.py", "tests/config/test_key_reference.py", "tests/config/test_schema.py",
    "tests/sources/test_vendors.py", "tests/sources/test_access_check.py", "tests/test_architecture.py",
)  # fmt: skip


def apply(root: Path) -> None:
    """Writes the guide's new files, and inserts its lines into the files that exist."""
    for match in BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
        path = root / match["path"]
        if match["where"] is None:
            assert not path.exists(), f"{path} exists already"
            path.write_text(match["text"], encoding="utf-8")
            continue
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        anchors = [index for index, line in enumerate(lines) if line.strip() == match["anchor"]]
        assert len(anchors) == 1, f"{path}: {match['anchor']} is in {len(anchors)} lines"
        lines.insert(anchors[0] + (match["where"] == "after"), match["text"])
        path.write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project with the guide's provider in it, after `make generate`."""
    root = tmp_path_factory.mktemp("project")
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    apply(root)
    python(root, "-m", "ruff", "format", "--no-cache", "--quiet", ".")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "kpi-exporter schema > config/kpis.schema.json" in makefile
    assert "python -m tests.docs" in makefile
    schema = python(root, "-c", "from exporter.cli import main; main()", "schema")
    (root / "config/kpis.schema.json").write_text(schema, encoding="utf-8")
    python(root, "-m", "tests.docs")
    yield root
    shutil.rmtree(root)


def python(root: Path, *arguments: str) -> str:
    """The output of Python in the copy; fails the test with what it printed if it fails."""
    environ = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=root, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_affected_tests_pass(project: Path) -> None:
    selected = "tidydesk or not (vendors or access_check or architecture)"
    python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-k", selected, *AFFECTED)


def test_the_new_files_pass_the_linter_and_the_type_checker(project: Path) -> None:
    python(project, "-m", "ruff", "check", "--no-cache", ".")
    python(project, "-m", "ruff", "format", "--no-cache", "--check", *NEW)
    python(project, "-m", "mypy", "--cache-dir", os.devnull, *NEW)


def test_the_new_provider_is_as_independent_as_the_others(project: Path) -> None:
    listed = (project / ".importlinter").read_text(encoding="utf-8")
    assert "    exporter.sources.providers.tidydesk\n" in listed
    output = python(
        project, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    assert "Providers never import each other KEPT" in output
