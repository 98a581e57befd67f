"""All dashboards of the sample configs, generated once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from dashboards.generate import dashboard_files
from dashboards.site import Site
from exporter.config.root import Config
from tests.dashboards import samples
from tests.dashboards.checks.boards import panels_of

CONFIGS = {"small": samples.small, "full": samples.full, "hostile": samples.hostile}

Json = dict[str, Any]


@cache
def config(name: str) -> Config:
    """A sample config."""
    return CONFIGS[name]()


@cache
def dashboards(name: str) -> dict[str, Json]:
    """Its dashboards by uid."""
    return {board.json["uid"]: board.json for board in dashboard_files(Site(config(name)))}


def expressions(dashboard: Json) -> Iterator[tuple[str, str]]:
    """Every query of a dashboard, with its position."""
    for panel in panels_of(dashboard):
        for query in panel.get("targets", ()):
            yield f"{dashboard['uid']} {panel['id']} {query['refId']}", query["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield f"{dashboard['uid']} {annotation['name']}", annotation["target"]["expr"]
    for variable in dashboard["templating"]["list"]:
        query = variable["query"]["query"]
        inner = query.removeprefix("query_result(").removeprefix("label_values(").rsplit(")", 1)[0]
        yield f"{dashboard['uid']} {variable['name']}", inner.rsplit(",", 1)[0] if query.startswith("label") else inner


def panel(dashboard: Json, panel_id: int) -> Json:
    """A panel by id."""
    return dict(next(panel for panel in panels_of(dashboard) if panel["id"] == panel_id))


def losses(before: object, after: object, path: str = "") -> list[str]:
    """Entries of `before` that are missing or different in `after`."""
    if isinstance(before, dict):
        counterpart = after if isinstance(after, dict) else {}
        return [loss for key, value in before.items() for loss in losses(value, counterpart.get(key), f"{path}.{key}")]
    if isinstance(before, list):
        if not isinstance(after, list) or len(before) != len(after):
            return [path]
        return [
            loss for i, (x, y) in enumerate(zip(before, after, strict=True)) for loss in losses(x, y, f"{path}[{i}]")
        ]
    return [] if before == after else [f"{path}: {before!r} became {after!r}"]
