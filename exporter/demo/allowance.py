"""Rate limits as vendors keep them: so many requests in a window that begins anew when it is over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class RequestLimit:
    """Counts requests in windows of `seconds`; time is handed in, in seconds since 1970."""

    most: int
    seconds: float
    used: int = 0
    _window: int = -1

    def take(self, now: float) -> bool:
        """Uses one request up; False where none is left in this window."""
        window = int(now // self.seconds)
        if window != self._window:
            self._window, self.used = window, 0
        if self.used >= self.most:
            return False
        self.used += 1
        return True

    @property
    def left(self) -> int:
        """Requests left in this window."""
        return self.most - self.used

    def renewed_at(self) -> float:
        """When the next window begins."""
        return (self._window + 1) * self.seconds
