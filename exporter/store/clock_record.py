"""The wall clock against the machine's uptime, in a file beside the store: tells a jump from time that passed.

The wall clock can be wrong and be corrected while the exporter does not run; the uptime cannot. After a restart of the
machine there is nothing to compare with, and the wall clock is believed.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

_BOOT, _UPTIME = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/uptime")


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """The wall clock minus the uptime, in seconds, on one boot of the machine."""

    boot: str
    offset: float

    @classmethod
    def at(cls, now: datetime) -> Self | None:
        """The record of this moment; None if the machine does not tell its uptime."""
        try:
            uptime = float(_UPTIME.read_text(encoding="ascii").split()[0])
            return cls(_BOOT.read_text(encoding="ascii").strip(), now.timestamp() - uptime)
        except (OSError, ValueError, IndexError):
            return None

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The stored record; None if there is none that can be read."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Stores the record; a disk that is full keeps the previous one."""
        new = path.with_name(f"{path.name}.new")
        with suppress(OSError):
            new.write_text(json.dumps(asdict(self)), encoding="ascii")
            new.chmod(0o600)
            new.replace(path)

    def jump_since(self, earlier: ClockRecord | None) -> float:
        """Seconds by which the wall clock was moved since an earlier record; 0 if that is not known."""
        return self.offset - earlier.offset if earlier is not None and earlier.boot == self.boot else 0.0
