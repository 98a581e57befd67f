"""Output of commands on a terminal: text is shown as it is, never as markup or control codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from exporter.printable import printable, printable_lines


class PlainConsole(Console):
    """A console that interprets no markup, and replaces control characters in whatever is printed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of a renderable; the console's own control codes are segments of their own."""
        for segment in super().render(renderable, options):
            if segment.control or (segment.text.isascii() and segment.text.isprintable()):
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)


def cell(text: str, style: str = "") -> Text:
    """One line in a table: a line break in a name would look like another row."""
    return Text(printable(text), style)


def bare_table(title: str) -> Table:
    """A table without lines, under its title."""
    settings: dict[str, Any] = {"box": None, "padding": (0, 2, 0, 0), "pad_edge": False}
    return Table(title=printable(title), title_justify="left", header_style="bold underline", **settings)
