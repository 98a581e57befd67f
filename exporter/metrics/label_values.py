"""Label values: texts of records as every consumer of metrics accepts them, in Python and in SQL.

Rows are grouped by the label value, never by the stored text. Texts that have the same label value are one group, whose
aggregates are those of all its rows.
"""

from __future__ import annotations

import re
from hashlib import sha256

from sqlglot import exp

MAX_LABEL_LENGTH = 128
"""Characters of a label value."""

_DIGEST_LENGTH = 8
_CUT_LENGTH = MAX_LABEL_LENGTH - _DIGEST_LENGTH - 1
_REPLACEMENT = "\ufffd"
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSAFE_IN_SQL = r"[\x00-\x1f\x7f-\x{9f}]"


def label_value(value: object) -> str:
    """`value` as text that every consumer accepts: valid UTF-8, no control characters, at most 128 characters.

    A longer text is cut and ends in a digest of all of it, so that different long texts stay different.
    """
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if len(text) <= MAX_LABEL_LENGTH and text.isprintable():
        return text
    clean = _UNSAFE.sub(_REPLACEMENT, text)
    if len(clean) <= MAX_LABEL_LENGTH:
        return clean
    return f"{clean[:_CUT_LENGTH]}~{sha256(clean.encode()).hexdigest()[:_DIGEST_LENGTH]}"


def label_value_tree(text: exp.Expr) -> exp.Expr:
    """The expression that gives `label_value` of a stored text. Most texts are as short and plain as they should be."""
    unsafe, everywhere = exp.Literal.string(_UNSAFE_IN_SQL), exp.Literal.string("g")
    is_plain = exp.and_(_is_short(text), exp.not_(exp.RegexpLike(this=text.copy(), expression=unsafe)))
    clean = exp.RegexpReplace(
        this=text.copy(), expression=unsafe.copy(), replacement=exp.Literal.string(_REPLACEMENT), modifiers=everywhere
    )
    hexadecimal = exp.SHA2(this=clean, length=exp.Literal.number(256))
    digest = exp.Left(this=hexadecimal, expression=exp.Literal.number(_DIGEST_LENGTH))
    start = exp.Left(this=clean.copy(), expression=exp.Literal.number(_CUT_LENGTH))
    cut = exp.DPipe(this=exp.DPipe(this=start, expression=exp.Literal.string("~")), expression=digest)
    return exp.Case().when(is_plain, text.copy()).when(_is_short(text), clean.copy()).else_(cut)


def _is_short(text: exp.Expr) -> exp.Expr:
    return exp.LTE(this=exp.Length(this=text.copy()), expression=exp.Literal.number(MAX_LABEL_LENGTH))
