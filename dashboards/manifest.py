"""What was generated into a folder: so that what is no longer generated is removed, from disk and from Grafana."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

from dashboards.documents import json_text

NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Files, and what Grafana keeps until it is told to delete it. `gone_...` were once there and are no more."""

    files: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    contact_points: tuple[str, ...] = ()
    mute_timings: tuple[str, ...] = ()
    gone_rules: tuple[str, ...] = ()
    gone_contact_points: tuple[str, ...] = ()
    gone_mute_timings: tuple[str, ...] = ()

    def after(self, earlier: Manifest) -> Manifest:
        """The same with all that the earlier ones had and this one has not."""
        return Manifest(
            self.files,
            self.rules,
            self.contact_points,
            self.mute_timings,
            _gone(self.rules, earlier.rules, earlier.gone_rules),
            _gone(self.contact_points, earlier.contact_points, earlier.gone_contact_points),
            _gone(self.mute_timings, earlier.mute_timings, earlier.gone_mute_timings),
        )

    def to_text(self) -> str:
        """The content of the manifest file."""
        return json_text({field.name: sorted(getattr(self, field.name)) for field in fields(self)})


def _gone(now: tuple[str, ...], before: tuple[str, ...], long_before: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*before, *long_before} - set(now)))


def parse(text: str) -> Manifest:
    """The manifest in a file; an empty one where the text is not a manifest."""
    try:
        content = json.loads(text)
        lists = {field.name: tuple(map(str, content[field.name])) for field in fields(Manifest)}
    except (ValueError, KeyError, TypeError):
        return Manifest()
    return Manifest(**lists)
