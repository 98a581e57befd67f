"""Stand-ins for the pinned images, built from Debian packages, for machines without access to an image registry."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.programs import program
from tests.stack.engine import Engine

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NEEDLESS = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")
TEMPLATES = Path("/usr/share/prometheus/alertmanager")

OF_PROGRAMS = """\
FROM {base}
COPY bin/ /bin/
COPY share/ {templates}/
RUN mkdir -p {data} && chown 65534:65534 {data}
WORKDIR {data}
USER 65534
ENTRYPOINT ["/bin/{entry}"]
"""


def python_image(engine: Engine, name: str, folder: Path) -> None:
    """This machine's Debian with Python, as small as it gets, and with the authorities this machine trusts."""
    root = folder / "python"
    packages = "python3,python3-venv,ca-certificates"
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    suite = release["VERSION_CODENAME"].strip('"')
    command = [str(program("debootstrap")), "--variant=minbase", f"--include={packages}", suite, str(root)]
    log = folder / "debootstrap.log"
    with log.open("wb") as output:
        process = subprocess.run(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, timeout=900, check=False
        )
    assert process.returncode == 0, log.read_text(errors="replace")[-2000:]
    for needless in NEEDLESS:
        shutil.rmtree(root / needless)
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    with subprocess.Popen(["tar", "--create", f"--directory={root}", "."], stdout=subprocess.PIPE) as packed:
        engine.docker("import", "--change", 'CMD ["python3"]', "-", name, stdin=packed.stdout, timeout=600)
    assert packed.returncode == 0
    shutil.rmtree(root)


def prometheus_image(engine: Engine, name: str, base: str, folder: Path) -> None:
    """Debian's Prometheus and promtool, laid out as in the image of that name."""
    _image(engine, name, base, folder / "prometheus", {"prometheus": "prometheus", "promtool": "promtool"})


def alertmanager_image(engine: Engine, name: str, base: str, folder: Path) -> None:
    """Debian's Alertmanager and amtool, laid out as in the image of that name."""
    _image(engine, name, base, folder / "alertmanager", {"alertmanager": "prometheus-alertmanager", "amtool": "amtool"})


def _image(engine: Engine, name: str, base: str, folder: Path, programs: Mapping[str, str]) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "share").mkdir()
    for called, installed in programs.items():
        shutil.copy(program(installed), folder / "bin" / called)
    if "alertmanager" in programs and TEMPLATES.is_dir():
        shutil.copytree(TEMPLATES, folder / "share", dirs_exist_ok=True)
    entry = next(iter(programs))
    recipe = OF_PROGRAMS.format(base=base, templates=TEMPLATES, data=f"/{entry}", entry=entry)
    (folder / "Dockerfile").write_text(recipe)
    plain = Engine(engine.host, engine.temporary, {**os.environ, "DOCKER_BUILDKIT": "0"})
    plain.docker("build", "--quiet", "--tag", name, folder, timeout=300)
    shutil.rmtree(folder)
