"""PyYAML's own reader, scanner and parser, with the four busiest steps done by regular expressions.

The C parser is three times as fast again, but a few hostile bytes crash the process with it. What comes out
here is what the plain one gives, event by event.
"""

from __future__ import annotations

import re
from typing import Any

from yaml.events import ScalarEvent
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner
from yaml.tokens import BlockMappingStartToken, KeyToken, ScalarToken, ValueToken

_BREAKS = "\r\n\x85\u2028\u2029"
_ENDS = f"\0 \t{_BREAKS}"
_GAP = re.compile(rf"(?: *(?:#[^\0{_BREAKS}]*)?\n)* *")
_KEY = re.compile("([A-Za-z][A-Za-z0-9_]{0,99}):(?=[ \n])")
_NEXT_LINE = re.compile(rf" *\n( *)(?![ {_BREAKS}\ufeff]|---|\.\.\.)")


def _words(ends: str, ends_after_colon: str) -> re.Pattern[str]:
    """Plain text on one line: words up to a comment, `: ` or what else ends it."""
    colon = rf":(?![{ends_after_colon}])"
    word = rf"(?=[^{ends}:]|{colon})[^{ends}:]*(?:{colon}[^{ends}:]*)*"
    return re.compile(rf"(?!#){word}(?: +(?!#){word})*")


_BLOCK = _words(_ENDS, _ENDS)
_FLOW = _words(_ENDS + r",?\[\]{}", _ENDS + r",\[\]{}")


_FETCH = {
    "[": Scanner.fetch_flow_sequence_start,
    "{": Scanner.fetch_flow_mapping_start,
    "]": Scanner.fetch_flow_sequence_end,
    "}": Scanner.fetch_flow_mapping_end,
    ",": Scanner.fetch_flow_entry,
    "'": Scanner.fetch_single,
    '"': Scanner.fetch_double,
}


class Events(Reader, Scanner, Parser):
    """The events of one YAML text, by get_event(); raises yaml.YAMLError and, for bad escapes, ValueError."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def get_mark(self) -> Any:
        """The line, counted from 0, in place of PyYAML's Mark, which would carry the text into error messages."""
        return self.line

    def check_token(self, *choices: Any) -> bool:
        """Whether the next token is one of these kinds."""
        if not self.tokens or self.possible_simple_keys:
            self._fill()
        return bool(self.tokens) and (not choices or isinstance(self.tokens[0], choices))

    def peek_token(self) -> Any:
        """The next token, left where it is."""
        if not self.tokens or self.possible_simple_keys:
            self._fill()
        return self.tokens[0] if self.tokens else None

    def get_token(self) -> Any:
        """The next token, taken away."""
        if not self.tokens or self.possible_simple_keys:
            self._fill()
        if self.tokens:
            self.tokens_taken += 1
            return self.tokens.pop(0)
        return None

    def _fill(self) -> None:
        # only asked where it matters: without a key in question the first token is certain, nothing is read ahead
        while self.need_more_tokens():
            self.fetch_more_tokens()

    def fetch_more_tokens(self) -> None:
        """Reads the next token, and what it closes."""
        self.scan_to_next_token()
        if self.possible_simple_keys:
            self.stale_possible_simple_keys()
        self.unwind_indent(self.column)
        here = self.buffer[self.pointer]
        if here.isalnum():
            if not self._fetch_key():
                self.fetch_plain()
        elif fetch := _FETCH.get(here):
            fetch(self)
        else:
            super().fetch_more_tokens()

    def _fetch_key(self) -> bool:
        """Takes `name:` at once where a key may stand: what a config is mostly made of."""
        if not self.allow_simple_key or self.flow_level in self.possible_simple_keys:
            return False
        key = _KEY.match(self.buffer, self.pointer)
        if key is None:
            return False
        line = self.line
        if not self.flow_level and self.add_indent(self.column):
            self.tokens.append(BlockMappingStartToken(line, line))
        self.tokens += [KeyToken(line, line), ScalarToken(key.group(1), True, line, line), ValueToken(line, line)]
        self.allow_simple_key = False
        self._move(len(key.group()))
        return True

    def parse_node(self, block: bool = False, indentless_sequence: bool = False) -> Any:
        """The next value or key; most are scalars without anchor or tag."""
        if not isinstance(self.peek_token(), ScalarToken):
            return super().parse_node(block, indentless_sequence)
        token = self.get_token()
        self.state = self.states.pop()
        implicit = (True, False) if token.plain else (False, True)
        return ScalarEvent(None, None, implicit, token.value, token.start_mark, token.end_mark, style=token.style)

    def forward(self, length: int = 1) -> None:
        """Moves on; by more than one character only where no line ends between."""
        chunk = self.buffer[self.pointer : self.pointer + length]
        if chunk.isascii() and chunk.isprintable():
            self._move(length)
        else:
            super().forward(length)

    def _move(self, length: int) -> None:
        self.pointer += length
        self.index += length
        self.column += length

    def scan_to_next_token(self) -> None:
        """Skips blanks, comments and line ends."""
        if self.index:
            gap = _GAP.match(self.buffer, self.pointer)
            self._skip(gap.group() if gap else "")
        if self.buffer[self.pointer] in f" #\ufeff{_BREAKS}" or not self.index:
            super().scan_to_next_token()

    def _skip(self, gap: str) -> None:
        self._move(len(gap))
        breaks = gap.count("\n")
        if breaks:
            self.line += breaks
            self.column = len(gap) - gap.rfind("\n") - 1
            if not self.flow_level:
                self.allow_simple_key = True

    def scan_plain(self) -> ScalarToken:
        """Text without quotes, over as many lines as it goes."""
        start = end = self.get_mark()
        indent = self.indent + 1
        parts: list[str] = []
        gap: list[str] = []
        while found := (_FLOW if self.flow_level else _BLOCK).match(self.buffer, self.pointer):
            self.allow_simple_key = False
            parts += [*gap, found.group()]
            self.forward(len(found.group()))
            end = self.get_mark()
            gap = self.scan_plain_spaces(indent, start)
            if not gap or (not self.flow_level and self.column < indent):
                break
        return ScalarToken("".join(parts), True, start, end)

    def scan_plain_spaces(self, indent: int, start_mark: Any) -> Any:
        """What stands between two pieces of unquoted text."""
        here = self.buffer[self.pointer]
        if here != " " and here not in _BREAKS:
            return []
        line = _NEXT_LINE.match(self.buffer, self.pointer)
        if line:
            self.allow_simple_key = True
            self._move(len(line.group()))
            self.line, self.column = self.line + 1, len(line.group(1))
            return [" "]
        return super().scan_plain_spaces(indent, start_mark)
