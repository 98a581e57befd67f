"""HTML that cannot be broken from inside."""

from __future__ import annotations

from exporter.web.markup import Html, element, joined, table


def test_text_is_escaped_and_markup_is_not() -> None:
    inner = element("b", "<i>&")
    assert element("p", "a < b ", inner, None, class_="x") == '<p class="x">a &lt; b <b>&lt;i&gt;&amp;</b></p>'


def test_attributes_cannot_end_early() -> None:
    assert element("a", "x", href='"><script>', title=None) == '<a href="&quot;&gt;&lt;script&gt;">x</a>'


def test_void_elements_have_no_end() -> None:
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_a_table_names_its_columns_in_every_cell() -> None:
    shown = table(("", "Value"), [("<North>", "1")])
    assert '<th scope="row">&lt;North&gt;</th><td data-label="Value">1</td>' in shown
    assert isinstance(joined(shown, "&"), Html)
