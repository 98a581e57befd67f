"""The renderer's bytes against prometheus-client's, and what it writes again."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.config.fields import Scope
from exporter.exposition.families import Rows
from exporter.exposition.render import Chunk, Renderer
from exporter.exposition.text import label_value
from exporter.naming import Family

LABELS = ("zone", "person")
HOSTILE = [
    'quote " here', "back\\slash", "line\nfeed", "carriage\rreturn", "nul\0", "lone \ud834", "\u202eabc",
    "{{ $value }}", "<script>alert(1)</script>", '"} or vector(1) #', "x" * 10_000, "", " ", "日本", "a,b=c",
]  # fmt: skip


def rows(samples: dict[tuple[Any, ...], Any], name: str = "business_calls", help_text: str = "Calls.") -> Rows:
    family = Family(name, help_text, LABELS)
    return Rows(family, Scope.COMPANY, list(samples), list(samples.values()), tuple)


class Peer:
    """The same families through prometheus-client."""

    def __init__(self, *families: Rows) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = GaugeMetricFamily(family.family.name, family.family.help, labels=family.family.labels)
            for key, value in zip(family.keys, family.values, strict=True):
                metric.add_metric([label_value(label) for label in family.labels_of(key)], value)
            yield metric


def peer_bytes(*families: Rows) -> tuple[bytes, bytes]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Peer(*families))
    return generate_latest(registry), generate_openmetrics(registry).removesuffix(b"# EOF\n")


def ours(chunks: tuple[Chunk, ...]) -> tuple[bytes, bytes]:
    return b"".join(c.text.plain for c in chunks), b"".join(c.openmetrics.plain for c in chunks)


def lines(exposition: bytes) -> list[bytes]:
    """Headers in place, samples in any order."""
    head, *rest = exposition.split(b"\n# TYPE")
    return [head, *sorted(b"\n".join(rest).split(b"\n"))]


def test_hostile_labels_and_help_are_written_as_prometheus_client_writes_them() -> None:
    family = rows({(text, f"p{i}"): float(i) for i, text in enumerate(HOSTILE)}, help_text='A "quoted" \\ help\nin two')
    for mine, peer in zip(ours(Renderer().render([family]).shared), peer_bytes(family), strict=True):
        assert lines(mine) == lines(peer)


def test_odd_numbers_are_written_as_prometheus_client_writes_them() -> None:
    odd = [0, -0.0, 5e-324, 1e22, 1e-7, 2**53 + 1, 10**30, True, Decimal("12.5"), 1_234_567, 999_999.5, -3]
    family = rows({("z", f"{i:02d}"): value for i, value in enumerate(odd)})
    assert ours(Renderer().render([family]).shared) == peer_bytes(family)


names = st.text(st.characters(categories=None, max_codepoint=0x10FFFF), max_size=200)
floats = st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.tuples(names, st.integers(0, 9).map(str)), floats, max_size=12))
def test_any_family_is_written_as_prometheus_client_writes_it(samples: dict[tuple[str, ...], float]) -> None:
    unique = {tuple(label_value(label) for label in key): value for key, value in samples.items()}
    family = rows(unique)
    chunks = Renderer().render([family]).shared
    if not unique:
        assert chunks == ()
        return
    for mine, peer in zip(ours(chunks), peer_bytes(family), strict=True):
        assert lines(mine) == lines(peer)


def test_a_family_without_labels_is_written_bare() -> None:
    family = Rows(Family("kpi_exporter_x", "X."), Scope.COMPANY, [()], [3.0], tuple)
    (chunk,) = Renderer().render([family]).shared
    assert chunk.text.plain == b"# HELP kpi_exporter_x X.\n# TYPE kpi_exporter_x gauge\nkpi_exporter_x 3.0\n"


def test_the_gzip_member_holds_the_plain_bytes_and_formats_that_agree_are_shared() -> None:
    same, quoted = Renderer().render([rows({("a", "b"): 1.0}), rows({("a", "b"): 1.0}, "other", 'a "b"')]).shared
    assert gzip.decompress(same.text.gzip + quoted.text.gzip) == same.text.plain + quoted.text.plain
    assert same.openmetrics is same.text
    assert quoted.openmetrics is not quoted.text


def test_what_is_no_number_is_left_out_and_counted() -> None:
    bad = {("z", str(i)): v for i, v in enumerate([float("nan"), float("inf"), None, "text", 10**400, 7])}
    rendering = Renderer().render([rows(bad)])
    assert rendering.shared[0].text.plain.count(b"\nbusiness_calls{") == 1
    assert rendering.dropped == {("business_calls", "not_finite"): 5}


def test_a_series_that_appears_twice_is_written_once_and_counted() -> None:
    twins = {("line\nfeed", "a"): 1.0, ("line\rfeed", "a"): 2.0, ("z", "a"): 3.0}
    renderer = Renderer()
    for _ in range(2):
        rendering = renderer.render([rows(twins), rows({("z", "z"): 4.0})])
        assert rendering.shared[0].series == 2
        assert rendering.dropped == {("business_calls", "duplicate"): 2}


def test_the_number_of_series_is_bounded_and_those_known_before_stay() -> None:
    renderer = Renderer(most_series=3)
    first = {("m", str(i)): 1.0 for i in range(3)}
    assert not renderer.render([rows(first)]).dropped
    crowd = {("a", str(i)): 2.0 for i in range(50)} | dict.fromkeys(first, 9.0)
    rendering = renderer.render([rows(crowd)])
    assert rendering.shared[0].text.plain.count(b'zone="m"} 9.0') == 3
    assert rendering.dropped == {("business_calls", "over_limit"): 50}


def test_rows_come_in_the_same_order_whatever_order_the_store_gave_them() -> None:
    samples = {("z", f"{i:02d}"): float(i) for i in range(20)}
    backwards = dict(reversed(samples.items()))
    assert ours(Renderer().render([rows(samples)]).shared) == ours(Renderer().render([rows(backwards)]).shared)


def test_numbers_follow_their_series_when_only_they_change() -> None:
    renderer = Renderer()
    renderer.render([rows({("z", "b"): 1.0, ("z", "a"): 2.0})])
    (chunk,) = renderer.render([rows({("z", "b"): 10.0, ("z", "a"): 20.0})]).shared
    assert b'person="a",zone="z"} 20.0\n' in chunk.text.plain
    assert b'person="b",zone="z"} 10.0\n' in chunk.text.plain


def test_only_a_family_that_changed_is_written_again() -> None:
    renderer = Renderer()
    still, moving = rows({("z", "a"): 1.0}), rows({("z", "a"): 1.0}, "other")
    first = renderer.render([still, moving]).shared
    second = renderer.render([still, rows({("z", "a"): 2.0}, "other")]).shared
    assert second[0] is first[0]
    assert second[1] is not first[1]


def test_a_family_that_is_gone_is_forgotten() -> None:
    renderer = Renderer()
    (before,) = renderer.render([rows({("z", "a"): 1.0})]).shared
    assert renderer.render([]).shared == ()
    (after,) = renderer.render([rows({("z", "a"): 1.0})]).shared
    assert after is not before
    assert after == before


def test_series_of_people_are_kept_apart() -> None:
    family = Rows(Family("person_kpi_value", "V.", ("kpi",)), Scope.PERSON, [("a",)], [1.0], tuple)
    rendering = Renderer().render([family, rows({("z", "a"): 1.0})])
    assert [c.text.plain.split()[2] for c in rendering.people] == [b"person_kpi_value"]
    assert [c.text.plain.split()[2] for c in rendering.shared] == [b"business_calls"]
