"""`forget`: has the running `serve` delete what is kept of a removed source or of a person, or does it itself."""

from __future__ import annotations

from pathlib import Path

import orjson
import typer

from exporter.clock import system_clock
from exporter.commands.store_access import ask_or_use_store
from exporter.config.root import Config
from exporter.control.requests import Answer, ForgetPersonRequest, ForgetSourceRequest
from exporter.store.store import Store
from exporter.sync.retention import delete_source


def forget_source(data_dir: Path, source: str) -> None:
    """Deletes the records of a removed push source. Raises StoreError, and ControlError if nothing is kept of it."""

    answer = ask_or_use_store(data_dir, ForgetSourceRequest(source), lambda store: delete_source(store, source))
    typer.echo(f"{answer['records']:,} records of {source} were deleted")


def forget_person(config: Config, data_dir: Path, person: str, *, as_json: bool) -> None:
    """Forgets a person and prints the receipt. Raises StoreError, and ControlError if it is unclear who is meant."""

    def forget(store: Store) -> Answer:
        from exporter.privacy.forget import forget_person as forget_in

        return forget_in(store, config, person, system_clock())

    answer = ask_or_use_store(data_dir, ForgetPersonRequest(person), forget)
    typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode() if as_json else receipt(answer))


def receipt(answer: Answer) -> str:
    """What was removed from where, as text without personal data."""
    replaced = ", ".join(f"{count:,} {kind}" for kind, count in answer["replaced"].items() if count) or "nothing"
    lines = [
        f"receipt {answer['receipt']}",
        f"at {answer['at']} by kpi-exporter {answer['program']}",
        f"the person is called {answer['token']} from now on, also in what sources still deliver",
        f"replaced or deleted: {replaced}",
        "the store file was rewritten; backups from before still contain the person",
    ]
    lines += [f"deleted: {name}" for name in answer["files_deleted"]]
    lines += [f"not searched, delete it once you do not need it: {name}" for name in answer["files_left"]]
    return "\n".join(lines)
