"""One engine for all tests of the stack, and the images that the compose file names."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.stack import stand_ins
from tests.stack.engine import Engine, NoEngineError, engine
from tests.stack.project import Begin, Project, brought_down, copied, python_image_name, services

BUILT_WITHIN = 1200.0


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A Docker engine; without one every test of the stack is left out with the reason, and fails where CI is set."""
    try:
        with engine(tmp_path_factory.mktemp("docker")) as running_engine:
            yield running_engine
    except NoEngineError as error:
        reason = f"the stack is left untested, for there is no Docker engine: {error}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def left_out(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The services without an image here: Grafana, where no registry can be reached, and its front. Others get stand-ins."""
    folder, base = tmp_path_factory.mktemp("images"), python_image_name()
    pinned = {name: services()[name]["image"] for name in ("prometheus", "alertmanager", "grafana")}
    real = docker.has(base) and all(docker.has(image) for image in pinned.values())
    if real:
        return frozenset()
    if not docker.temporary:
        pytest.fail("no image registry can be reached, and stand-ins do not go into an engine that others use")
    stand_ins.python_image(docker, base, folder)
    stand_ins.prometheus_image(docker, pinned["prometheus"], base, folder)
    stand_ins.alertmanager_image(docker, pinned["alertmanager"], base, folder)
    return frozenset({"grafana", "front"})


@pytest.fixture(scope="session")
def begin(docker: Engine, left_out: frozenset[str], tmp_path_factory: pytest.TempPathFactory) -> Begin:
    """Makes a copy of the project, to be brought up with these profiles. The image is built once."""
    version2 = docker.run("docker", "compose", "version", check=False).returncode == 0
    command = ("docker", "compose") if version2 else ("docker-compose",)

    def copy(*profiles: str) -> Project:
        name = f"kpi-stack-{uuid.uuid4().hex[:8]}"
        return Project(docker, copied(tmp_path_factory.mktemp("project") / "kpi"), name, command, profiles, left_out)

    copy().compose("build", timeout=BUILT_WITHIN)
    return copy


@pytest.fixture(scope="module")
def demo(begin: Begin) -> Iterator[Project]:
    """The simulated company, up and healthy."""
    with brought_down(begin("demo")) as project:
        project.up()
        project.settled()
        yield project
