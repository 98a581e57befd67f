"""`schema`: the JSON Schema of the config."""

from __future__ import annotations

import json

import typer

from exporter.config.schema import schema


def run() -> None:
    """Prints it."""
    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
