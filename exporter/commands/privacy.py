"""`privacy`: what is kept about people."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import typer

from exporter.privacy.overview import overview
from exporter.runtime.config_file import read_config


def run(path: Path, *, as_json: bool) -> None:
    """Prints what is kept about whom, for how long, and where it goes. Raises ConfigError."""
    notes = overview(read_config(path, os.environ).config)
    if as_json:
        content = [{"topic": note.topic, "text": note.text} for note in notes]
        typer.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
        return
    width = max(len(note.topic) for note in notes)
    for note in notes:
        typer.echo(f"{note.topic:<{width}}  {note.text}")
