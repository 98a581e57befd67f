"""The data directory and its files are for their owner only, and an unusable one is an error that names the cure."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exporter.errors import StoreError
from exporter.store.permissions import make_directory, unusable
from exporter.store.store import Store
from tests.processes import completed
from tests.store.killing import ROOT
from tests.store.samples import deal, filled, read

NOBODY = 65534


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}


@pytest.mark.usefixtures("open_umask")
def test_files_are_private_even_without_a_umask(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = Store.open(folder)
    for number in range(3):
        read(store, deal(number))
    assert modes(folder) == dict.fromkeys(("kpi.duckdb", "kpi.duckdb.wal", "kpi.sentinel", "kpi.lock"), "0o600")
    store.close()
    assert modes(folder) == dict.fromkeys(("kpi.duckdb", "kpi.sentinel", "kpi.lock"), "0o600")
    assert modes(tmp_path)["data"] == "0o700"
    assert os.umask(0) == 0


@pytest.mark.usefixtures("open_umask")
def test_wide_modes_from_before_are_tightened(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    filled(folder)
    folder.chmod(0o777)
    for name in ("kpi.duckdb.damaged-1", "kpi.duckdb.before-2", "kpi.tokens", "other"):
        (folder / name).write_text("")
    for path in folder.iterdir():
        path.chmod(0o666)
    filled(folder)
    found = modes(folder)
    assert found.pop("other") == "0o666"
    assert set(found.values()) == {"0o600"}
    assert modes(tmp_path)["data"] == "0o700"


@pytest.mark.usefixtures("open_umask")
def test_the_files_of_a_rebuild_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    filled(folder)
    (folder / "kpi.duckdb").write_bytes(b"hello")
    Store.open(folder).close()
    assert set(modes(folder).values()) == {"0o600"}
    assert "kpi.duckdb.damaged-1" in modes(folder)


def test_a_directory_that_all_users_share_is_refused_and_stays_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(StoreError, match=f"{tmp_path} is shared by all users: choose another --data-dir"):
        Store.open(tmp_path)
    assert modes(tmp_path.parent)[tmp_path.name] == "0o1777"
    assert not list(tmp_path.iterdir())


def test_a_link_to_a_file_elsewhere_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "elsewhere").chmod(0o644)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kpi.link").symlink_to(tmp_path / "elsewhere")
    make_directory(tmp_path / "data")
    assert modes(tmp_path)["elsewhere"] == "0o644"


def as_nobody(folder: Path) -> subprocess.CompletedProcess[str]:
    """Opens the store in a process of another user, who can reach the folder's parents."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    code = (
        "import logging, os, sys; from pathlib import Path; import exporter.store.merge\n"
        "from exporter.store.store import Store; from exporter.errors import StoreError\n"
        f"logging.basicConfig(); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "try: Store.open(Path(sys.argv[1])).close(); print('opened')\n"
        "except StoreError as error: print(type(error).__name__, error)\n"
    )
    return completed([sys.executable, "-c", code, folder], cwd=ROOT, text=True)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder whose parents everybody may enter, which those of `tmp_path` are not."""
    with TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        yield Path(parent) / "data"


def test_a_directory_of_another_user_is_an_error_that_names_the_cure(reachable: Path) -> None:
    filled(reachable)
    said = as_nobody(reachable).stdout
    assert said.startswith("StoreError")
    assert str(reachable) in said
    assert f"chown -R {NOBODY} {reachable}" in said


@pytest.mark.parametrize("name", ["kpi.duckdb", "kpi.sentinel", "kpi.lock"])
def test_a_file_of_another_user_is_an_error_that_names_it(reachable: Path, name: str) -> None:
    filled(reachable)
    for path in (reachable, *reachable.iterdir()):
        if path.name != name:
            os.chown(path, NOBODY, NOBODY)
    said = as_nobody(reachable).stdout
    assert said.startswith("StoreError")
    assert str(reachable) in said
    assert "chown" in said


def test_a_directory_that_a_group_may_write_but_not_close_is_used_with_a_warning(reachable: Path) -> None:
    """As volumes of Kubernetes with an fsGroup are."""
    reachable.mkdir()
    os.chown(reachable, 0, NOBODY)
    reachable.chmod(0o2770)
    ended = as_nobody(reachable)
    assert ended.stdout == "opened\n"
    assert f"{reachable} stays open to other users" in ended.stderr
    assert modes(reachable)["kpi.duckdb"] == "0o600"


def test_the_cure_depends_on_the_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert "fix it or choose" in str(unusable(tmp_path, OSError(30, "Read-only file system")))
    assert "chown -R" in str(unusable(tmp_path, PermissionError(13, "Permission denied")))
    with caplog.at_level(logging.WARNING):
        make_directory(tmp_path / "new")
    assert not caplog.text
