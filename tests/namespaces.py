"""Scenarios of test modules in Linux namespaces of their own, so that what they change disappears with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.processes import completed
from tests.programs import program, skip

ROOT = Path(__file__).parent.parent


def observed(
    namespace: str, module: str, scenario: str, folder: Path, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What `python -m MODULE SCENARIO FOLDER` writes as JSON, in a new namespace such as `--net` or `--mount`.

    The test is skipped if this user may not create one.
    """
    command = [program("unshare"), namespace, *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        skip(f"this user may not create a namespace (unshare {namespace})")
    path = f"{os.environ['PATH']}:/usr/sbin"
    process = completed(
        [*command, sys.executable, "-m", module, scenario, folder],
        cwd=ROOT,
        env={**os.environ, "PATH": path, **(environ or {})},
        text=True,
    )
    assert process.returncode == 0, process.stderr
    result: dict[str, Any] = json.loads(process.stdout)
    return result
