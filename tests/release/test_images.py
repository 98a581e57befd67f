"""Images are pinned by the digests that their registries give, or not at all."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.fakes.raw import RESET, RawRequest, ScriptStep, json_response, raw_response, served
from tests.release.images import FILES, HUB, IMAGE, MANIFESTS, ROOT, Image, main


class Registry:
    """A registry shaped as Docker Hub's: it issues a token for one repository, and sends an index for each version."""

    def __init__(self, *, lies_about: str = "") -> None:
        self._lies_about = lies_about
        self.repositories: list[str] = []

    def script(self, request: RawRequest) -> Iterable[ScriptStep]:
        if request.path == "/token":
            return [json_response({"token": f"for {request.query['scope']}"})]
        repository = request.path.removeprefix("/v2/").partition("/manifests/")[0]
        scope = f"repository:{repository}:pull"
        if request.headers.get("authorization") != f"Bearer for {scope}":
            realm = f'Bearer realm="http://{request.headers["host"]}/token",service="hub",scope="{scope}"'
            return [raw_response(b"{}", 401, [("www-authenticate", realm)])]
        assert "application/vnd.oci.image.index.v1+json" in request.headers["accept"]
        self.repositories.append(repository)
        content = index(request.path)
        digest = digest_of(b"other" if repository == self._lies_about else content)
        return [raw_response(content, headers=[("docker-content-digest", digest)], kind=MANIFESTS[0])]


def index(path: str) -> bytes:
    """The content behind a version."""
    return f'{{"manifests": ["{path}"]}}'.encode()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the files that name images."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def texts(project: Path) -> list[str]:
    return [(project / name).read_text() for name in FILES]


def pin(project: Path, registry: Registry) -> int:
    with served(registry.script) as server:
        return main(project, {HUB: server.url})


def test_every_image_but_our_own_gets_the_digest_of_its_version(project: Path) -> None:
    registry = Registry()
    assert pin(project, registry) == 0
    compose, dockerfile = texts(project)
    prometheus = digest_of(index("/v2/prom/prometheus/manifests/v3.5.0"))
    assert compose.count(f"image: prom/prometheus:v3.5.0@{prometheus}\n") == 2
    assert "image: kpi-exporter:0.1.0\n" in compose
    assert set(registry.repositories) == {"prom/prometheus", "prom/alertmanager", "grafana/grafana", "library/python"}
    assert re.search(r"^ARG PYTHON_IMAGE=python:[\w.-]+@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)


def test_pinning_again_replaces_the_digests(project: Path) -> None:
    pin(project, Registry())
    once = texts(project)
    pin(project, Registry())
    assert texts(project) == once
    path = project / FILES[0]
    path.write_text(re.sub(r"@sha256:\w{8}", "@sha256:00000000", path.read_text()))
    pin(project, Registry())
    assert texts(project) == once


def test_content_without_the_digest_it_claims_pins_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = texts(project)
    assert pin(project, Registry(lies_about="grafana/grafana")) == 1
    assert "does not have the digest" in capsys.readouterr().err
    assert texts(project) == before


def test_a_registry_that_cannot_be_asked_pins_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = texts(project)
    assert main(project, {HUB: "http://127.0.0.1:1"}) == 1
    assert "no image was pinned: registry-1.docker.io could not be asked" in capsys.readouterr().err
    assert texts(project) == before


def challenge(realm: str) -> list[ScriptStep]:
    return [raw_response(b"{}", 401, [("www-authenticate", f'Bearer realm="{realm}",scope="pull"')])]


def manifest(content: bytes, media_type: str) -> list[ScriptStep]:
    return [raw_response(content, kind=media_type)]


@pytest.mark.parametrize("media_type", MANIFESTS)
def test_an_index_or_a_manifest_is_pinned_even_without_a_header_with_its_digest(project: Path, media_type: str) -> None:
    (image,) = re.findall(r"grafana/grafana:[\d.]+", texts(project)[0])
    with served(lambda _: manifest(b"{}", f"{media_type}; charset=utf-8")) as server:
        assert main(project, {HUB: server.url}) == 0
    assert f"{image}@{digest_of(b'{}')}\n" in texts(project)[0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (manifest(b"<html>log in</html>", "text/html"), "something else than a manifest"),
        (manifest(b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws"), "something else"),
        ([raw_response(b"{}", 429)], "answers 429"),
        ([raw_response(b"{}", 500)], "answers 500"),
        ([raw_response(b"{}", 401, [("www-authenticate", 'Basic realm="hub"')])], "answers 401"),
        (challenge(""), "could not be asked"),
        (challenge("http://127.0.0.1:1/token"), "could not be asked"),
        ([RESET], "could not be asked"),
    ],
)
def test_an_answer_that_is_no_manifest_pins_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], answer: list[ScriptStep], message: str
) -> None:
    before = texts(project)
    with served(lambda _: answer) as server:
        assert main(project, {HUB: server.url}) == 1
    assert message in capsys.readouterr().err
    assert texts(project) == before


@pytest.mark.parametrize("token", [b"<html>", b"[]", b"{}"])
def test_a_service_that_issues_no_token_pins_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], token: bytes
) -> None:
    def script(request: RawRequest) -> Iterable[ScriptStep]:
        if request.path == "/token":
            return [raw_response(token)]
        return challenge(f"http://{request.headers['host']}/token")

    before = texts(project)
    with served(script) as server:
        assert main(project, {HUB: server.url}) == 1
    assert "issues no token" in capsys.readouterr().err
    assert texts(project) == before


def test_every_image_of_the_project_is_found() -> None:
    for name in FILES:
        text = (ROOT / name).read_text()
        assert len(IMAGE.findall(text)) == len(re.findall(r"^ +image: |^ARG \w+_IMAGE=", text, re.MULTILINE)), name


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("python:3.11", Image(HUB, "library/python", "3.11")),
        ("prom/prometheus:v3.5.0", Image(HUB, "prom/prometheus", "v3.5.0")),
        ("ghcr.io/acme/kpi:1", Image("ghcr.io", "acme/kpi", "1")),
        ("localhost:5000/kpi:1", Image("localhost:5000", "kpi", "1")),
    ],
)
def test_names_are_read_as_docker_reads_them(name: str, image: Image) -> None:
    assert Image.parse(name) == image
