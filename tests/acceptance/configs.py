"""The acceptance configs: the project's own with generated data, and, as extras, those on shared real data."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.acceptance.generated_data import write_call_log, write_pipeline
from tests.programs import shared

CONFIGS = ("pipeline", "call_log", "shared/crm_sales", "shared/call_center")
"""Those under shared/ are skipped, with the reason, if that data is not beside the project."""


def acceptance_config(folder: Path, name: str) -> Path:
    """The path of a config beside the files it reads; the project's own are written to the folder."""
    if name.startswith("shared/"):
        return shared("acceptance", f"{name.removeprefix('shared/')}.yaml")
    {"pipeline": write_pipeline, "call_log": write_call_log}[name](folder)
    return Path(shutil.copy(Path(__file__).with_name(f"{name}.yaml"), folder))
