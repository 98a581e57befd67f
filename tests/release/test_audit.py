"""The audit reports success only if it looked up every dependency."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.fakes.raw import Pause, RawRequest, ScriptStep, json_response, raw_response, served
from tests.release.audit import CLEAN, NOT_AUDITED, VULNERABLE, audit
from tests.release.tools import ROOT, release_tool
from tests.waiting import LIMIT

LOCK = f"aiolimiter==1.2.1 --hash=sha256:{'0' * 64}\nhttpx==0.28.1 --hash=sha256:{'1' * 64}\n"


class Advisories:
    """An advisory service shaped as OSV: it knows one vulnerable package, or fails."""

    def __init__(self, vulnerable: str = "", failing: str = "") -> None:
        self.vulnerable, self.failing, self.asked = vulnerable, failing, set[str]()

    def script(self, request: RawRequest) -> Iterable[ScriptStep]:
        name = json.loads(request.body)["package"]["name"]
        self.asked.add(name)
        if name == self.failing:
            return [raw_response(b"overloaded", 503)]
        if name != self.vulnerable:
            return [json_response({})]
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}]
        package = {"name": name, "ecosystem": "PyPI"}
        advisory = {"id": "PYSEC-1", "summary": "bad", "published": "2026-01-01T00:00:00Z"}
        return [json_response({"vulns": [advisory | {"affected": [{"package": package, "ranges": ranges}]}]})]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    return path


def audited(lock: Path, advisories: Advisories) -> tuple[int, str]:
    with served(advisories.script) as server:
        return against(f"{server.url}/v1/query", lock)


def against(url: str, lock: Path) -> tuple[int, str]:
    command = [str(release_tool("pip-audit")), "--vulnerability-service=osv", f"--osv-url={url}", "--timeout=5"]
    return audit(command, [lock])


def test_it_looks_up_every_dependency(lock: Path) -> None:
    advisories = Advisories()
    assert audited(lock, advisories) == (CLEAN, "2 dependencies looked up, no known vulnerability")
    assert advisories.asked == {"aiolimiter", "httpx"}


def test_a_vulnerable_dependency_is_named_with_its_fix(lock: Path) -> None:
    code, message = audited(lock, Advisories(vulnerable="httpx"))
    assert code == VULNERABLE
    assert "httpx 0.28.1: PYSEC-1, fixed in 9.9" in message


@pytest.mark.parametrize("code", [400, 404, 429, 500, 502])
def test_a_service_that_refuses_is_not_a_success(lock: Path, code: int) -> None:
    assert answered(lock, [raw_response(b"no", code)]) == NOT_AUDITED


@pytest.mark.parametrize("body", [b"<html>please log in</html>", b"", b'{"vulns": [', b'{"vulns": [{}]}'])
def test_a_page_that_is_no_answer_is_not_a_success(lock: Path, body: bytes) -> None:
    assert answered(lock, [raw_response(body)]) == NOT_AUDITED


def test_a_service_that_hangs_is_not_a_success(lock: Path) -> None:
    assert answered(lock, [Pause(LIMIT)]) == NOT_AUDITED


def answered(lock: Path, answer: Iterable[ScriptStep]) -> int:
    with served(lambda _: answer) as server:
        code, message = against(f"{server.url}/v1/query", lock)
    assert message.startswith("NOT AUDITED: ") is (code == NOT_AUDITED)
    return code


def test_make_fails_and_says_so_if_it_could_not_look(tmp_path: Path) -> None:
    release_tool("pip-audit")
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
    environ = {**os.environ, **nowhere, "NO_PROXY": "", "no_proxy": "", "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(["make", "audit"], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode != 0
    assert "NOT AUDITED: " in done.stdout


def test_an_unreachable_service_is_not_a_success(lock: Path) -> None:
    code, message = against("http://127.0.0.1:1/v1/query", lock)
    assert code == NOT_AUDITED
    assert message.startswith("NOT AUDITED: ")


def test_one_dependency_that_cannot_be_looked_up_is_not_a_success(lock: Path) -> None:
    code, message = audited(lock, Advisories(failing="aiolimiter"))
    assert code == NOT_AUDITED, message


def test_nothing_to_look_up_is_not_a_success(lock: Path) -> None:
    lock.write_text("")
    assert audited(lock, Advisories())[0] == NOT_AUDITED
