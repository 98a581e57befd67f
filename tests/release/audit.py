"""Looks for known vulnerabilities in the locked dependencies: python -m tests.release.audit PIP_AUDIT [OPTION ...].

Exit code 0: looked, and there are none. 1: there are some. 2: could not look, which is never reported as success.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-build.lock")
CLEAN, VULNERABLE, NOT_AUDITED = range(3)


def audit(command: Sequence[str], locks: Sequence[Path]) -> tuple[int, str]:
    """Exit code and message. `command` is pip-audit, with options that say which advisories to ask."""
    requirements = [argument for lock in locks for argument in ("--requirement", str(lock))]
    options = ("--strict", "--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off")
    done = subprocess.run([*command, *options, *requirements], capture_output=True, text=True)
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        reason = (done.stderr.strip() or "no output").splitlines()[-1]
        return NOT_AUDITED, f"NOT AUDITED: the advisories could not be looked up: {reason}"
    skipped = [f"{entry['name']}: {entry['skip_reason']}" for entry in dependencies if "skip_reason" in entry]
    if skipped or not dependencies:
        return NOT_AUDITED, "\n".join(["NOT AUDITED: some dependencies could not be looked up:", *skipped])
    found = [
        f"{entry['name']} {entry['version']}: {advisory['id']}, fixed in {', '.join(advisory['fix_versions']) or 'none'}"
        for entry in dependencies
        for advisory in entry["vulns"]
    ]
    if found:
        return VULNERABLE, "\n".join(["known vulnerabilities:", *found])
    return CLEAN, f"{len(dependencies)} dependencies looked up, no known vulnerability"


if __name__ == "__main__":
    code, message = audit(sys.argv[1:], [ROOT / name for name in LOCKS])
    sys.stdout.write(f"{message}\n")
    sys.exit(code)
