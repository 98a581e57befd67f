"""The entries of the ledger as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from rich.table import Table
from rich.text import Text

from exporter.commands.terminal import cell
from exporter.config.fields import Status
from exporter.config.root import Config
from exporter.exposition.formatting import ABSENT, amount, ratio
from exporter.printable import printable
from exporter.seals import Cause, Restatement, Seal
from exporter.statuses import STATUSES, VERDICTS, colours

CAUSES: Mapping[Cause, str] = MappingProxyType(
    {
        Cause.DEFINITION: "the definition changed",
        Cause.TARGET: "the target changed",
        Cause.LATE: "records arrived late",
        Cause.DELETED: "records were deleted",
        Cause.REDATED: "records were dated otherwise",
        Cause.EDITED: "records were edited",
        Cause.OTHER: "something else, such as an exchange rate",
    }
)
"""Why a result was restated, in words."""


def ledger_tables(config: Config, seals: Sequence[Seal], restatements: Sequence[Restatement]) -> Iterator[Table]:
    """One table of sealed results, and one of restatements, each if there are any."""
    if seals:
        yield _sealed(config, seals)
    if restatements:
        yield _restated(config, restatements)


def _sealed(config: Config, seals: Sequence[Seal]) -> Table:
    table = _table(
        printable(f"{config.company.name}, sealed periods"),
        ("Value", "Target", "Ratio"),
        ("Status", "Coverage", "Sealed"),
    )
    for seal in seals:
        table.add_row(
            *_subject(config, seal),
            _amount(config, seal, seal.value),
            _amount(config, seal, seal.target),
            ratio(seal.target_ratio),
            _status(config, seal.status),
            ABSENT if seal.coverage is None else f"{seal.coverage:.1%}",
            f"{seal.sealed_at.astimezone(config.company.timezone):%Y-%m-%d %H:%M}",
        )
    return table


def _restated(config: Config, restatements: Sequence[Restatement]) -> Table:
    table = _table("Restated since", ("Value", "Ratio"), ("Status", "Cause", "Restated"))
    for entry in restatements:
        before, after = entry.previous, entry.result
        status = _status(config, after.status)
        table.add_row(
            *_subject(config, entry),
            _change(_amount(config, entry, before.value), _amount(config, entry, after.value)),
            _change(ratio(before.target_ratio), ratio(after.target_ratio)),
            status if before.status is after.status else Text.assemble(STATUSES[before.status].label, " → ", status),
            CAUSES[entry.cause],
            f"{entry.restated_at.astimezone(config.company.timezone):%Y-%m-%d %H:%M}",
        )
    return table


def _table(title: str, numbers: Sequence[str], texts: Sequence[str]) -> Table:
    table = Table(
        title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold underline"
    )
    for name in ("KPI", "Scope", "Period"):
        table.add_column(name, no_wrap=name == "Period")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    for name in texts:
        table.add_column(name)
    return table


def _subject(config: Config, entry: Seal | Restatement) -> tuple[Text, Text, str]:
    kpi = config.kpi_by_name.get(entry.kpi)
    return cell(entry.kpi if kpi is None else kpi.title), cell(entry.person or entry.team or "company"), entry.period


def _amount(config: Config, entry: Seal | Restatement, value: float | None) -> str:
    kpi = config.kpi_by_name.get(entry.kpi)
    return amount(value, "count" if kpi is None else config.unit(kpi), config.company.currency)


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _status(config: Config, status: Status) -> Text:
    style = colours(config)[status].light if status in VERDICTS else "dim"
    return Text(f"{STATUSES[status].symbol} {STATUSES[status].label}", style=style)
