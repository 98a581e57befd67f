"""The renderer's bytes against prometheus-client's, and when families are rendered again."""

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
from exporter.exposition.families import FamilySamples
from exporter.exposition.render import RenderedFamily, Renderer
from exporter.metrics.label_values import label_value
from exporter.naming import Family

LABELS = ("zone", "person")
HOSTILE = [
    'quote " here', "back\\slash", "line\nfeed", "carriage\rreturn", "nul\0", "lone \ud834", "\u202eabc",
    "{{ $value }}", "<script>alert(1)</script>", '"} or vector(1) #', "x" * 10_000, "", " ", "日本", "a,b=c",
]  # fmt: skip


def rows(samples: dict[tuple[Any, ...], Any], name: str = "business_calls", help_text: str = "Calls.") -> FamilySamples:
    family = Family(name, help_text, LABELS)
    return FamilySamples(family, Scope.COMPANY, list(samples), list(samples.values()), tuple)


class Peer:
    """The same families through prometheus-client."""

    def __init__(self, *families: FamilySamples) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = GaugeMetricFamily(family.family.name, family.family.help, labels=family.family.labels)
            for key, value in zip(family.keys, family.values, strict=True):
                metric.add_metric([label_value(label) for label in family.labels_of(key)], value)
            yield metric


def peer_bytes(*families: FamilySamples) -> tuple[bytes, bytes]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Peer(*families))
    return generate_latest(registry), generate_openmetrics(registry).removesuffix(b"# EOF\n")


def plain(family: RenderedFamily) -> bytes:
    return b"".join(family.formats.text.plain)


def both_formats(families: tuple[RenderedFamily, ...]) -> tuple[bytes, bytes]:
    openmetrics = (piece for family in families for piece in family.formats.openmetrics.plain)
    return b"".join(map(plain, families)), b"".join(openmetrics)


def lines(exposition: bytes) -> list[bytes]:
    """Headers in place, samples in any order."""
    head, *rest = exposition.split(b"\n# TYPE")
    return [head, *sorted(b"\n".join(rest).split(b"\n"))]


def test_hostile_labels_and_help_are_written_as_prometheus_client_writes_them() -> None:
    family = rows({(text, f"p{i}"): float(i) for i, text in enumerate(HOSTILE)}, help_text='A "quoted" \\ help\nin two')
    for mine, peer in zip(both_formats(Renderer().render([family]).shared), peer_bytes(family), strict=True):
        assert lines(mine) == lines(peer)


def test_odd_numbers_are_written_as_prometheus_client_writes_them() -> None:
    odd = [0, -0.0, 5e-324, 1e22, 1e-7, 2**53 + 1, 10**30, True, Decimal("12.5"), 1_234_567, 999_999.5, -3]
    family = rows({("z", f"{i:02d}"): value for i, value in enumerate(odd)})
    assert both_formats(Renderer().render([family]).shared) == peer_bytes(family)


names = st.text(st.characters(categories=None, max_codepoint=0x10FFFF), max_size=200)
floats = st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.tuples(names, st.integers(0, 9).map(str)), floats, max_size=12))
def test_any_family_is_written_as_prometheus_client_writes_it(samples: dict[tuple[str, ...], float]) -> None:
    unique = {tuple(label_value(label) for label in key): value for key, value in samples.items()}
    family = rows(unique)
    families = Renderer().render([family]).shared
    if not unique:
        assert families == ()
        return
    for mine, peer in zip(both_formats(families), peer_bytes(family), strict=True):
        assert lines(mine) == lines(peer)


def test_a_family_without_labels_is_written_without_braces() -> None:
    family = FamilySamples(Family("kpi_exporter_x", "X."), Scope.COMPANY, [()], [3.0], tuple)
    (rendered,) = Renderer().render([family]).shared
    assert plain(rendered) == b"# HELP kpi_exporter_x X.\n# TYPE kpi_exporter_x gauge\nkpi_exporter_x 3.0\n"


def test_the_gzip_member_contains_the_plain_bytes_and_equal_formats_are_one_object() -> None:
    same, quoted = Renderer().render([rows({("a", "b"): 1.0}), rows({("a", "b"): 1.0}, "other", 'a "b"')]).shared
    assert gzip.decompress(same.formats.text.gzip + quoted.formats.text.gzip) == plain(same) + plain(quoted)
    assert same.formats.openmetrics is same.formats.text
    assert quoted.formats.openmetrics is not quoted.formats.text


def test_values_that_are_not_finite_numbers_are_dropped_and_counted() -> None:
    bad = {("z", str(i)): v for i, v in enumerate([float("nan"), float("inf"), None, "text", 10**400, 7])}
    rendering = Renderer().render([rows(bad)])
    assert plain(rendering.shared[0]).count(b"\nbusiness_calls{") == 1
    assert rendering.dropped == {("business_calls", "not_finite"): 5}


def test_a_series_that_appears_twice_is_written_once_and_counted() -> None:
    twins = {("line\nfeed", "a"): 1.0, ("line\rfeed", "a"): 2.0, ("z", "a"): 3.0}
    renderer = Renderer()
    for _ in range(2):
        rendering = renderer.render([rows(twins), rows({("z", "z"): 4.0})])
        assert rendering.shared[0].series == 2
        assert rendering.dropped == {("business_calls", "duplicate"): 2}


def test_the_number_of_series_is_limited_and_series_exported_before_stay() -> None:
    renderer = Renderer(max_series=3)
    first = {("m", str(i)): 1.0 for i in range(3)}
    assert not renderer.render([rows(first)]).dropped
    crowd = {("a", str(i)): 2.0 for i in range(50)} | dict.fromkeys(first, 9.0)
    rendering = renderer.render([rows(crowd)])
    assert plain(rendering.shared[0]).count(b'zone="m"} 9.0') == 3
    assert rendering.dropped == {("business_calls", "over_limit"): 50}


def test_series_beyond_the_limit_are_the_last_in_the_order_of_their_text() -> None:
    backwards = {("z", f"{number:02d}"): 1.0 for number in reversed(range(20))}
    rendering = Renderer(max_series=2).render([rows(backwards)])
    assert plain(rendering.shared[0]).count(b"\nbusiness_calls{") == 2
    assert b'person="00"' in plain(rendering.shared[0])
    assert b'person="01"' in plain(rendering.shared[0])


def test_a_series_that_ends_makes_room_for_the_first_of_the_others() -> None:
    renderer = Renderer(max_series=2)
    renderer.render([rows({("z", f"{number:02d}"): 1.0 for number in range(5)})])
    rendering = renderer.render([rows({("z", f"{number:02d}"): 1.0 for number in range(1, 6)})])
    assert plain(rendering.shared[0]).count(b"\nbusiness_calls{") == 2
    assert b'person="01"' in plain(rendering.shared[0])
    assert b'person="02"' in plain(rendering.shared[0])
    assert rendering.dropped == {("business_calls", "over_limit"): 3}


def test_series_beyond_the_limit_are_counted_anew_each_time() -> None:
    renderer = Renderer(max_series=2)
    for count in (5, 8, 2):
        rendering = renderer.render([rows({("z", f"{number:02d}"): 1.0 for number in range(count)})])
        assert rendering.dropped == ({("business_calls", "over_limit"): count - 2} if count > 2 else {})


def test_no_labels_are_written_again_for_series_beyond_the_limit() -> None:
    written: list[object] = []

    def labels_of(key: tuple[str, str]) -> tuple[str, str]:
        written.append(key)
        return key

    renderer, family = Renderer(max_series=2), Family("business_calls", "Calls.", LABELS)
    for number, count in enumerate((50, 51, 52)):
        keys = [("z", f"{each:02d}") for each in range(count)]
        renderer.render([FamilySamples(family, Scope.COMPANY, keys, [float(number)] * count, labels_of)])
        if number == 0:
            written.clear()
    assert written == []


def test_series_are_sorted_whatever_order_the_store_returned() -> None:
    samples = {("z", f"{i:02d}"): float(i) for i in range(20)}
    backwards = dict(reversed(samples.items()))
    assert both_formats(Renderer().render([rows(samples)]).shared) == both_formats(
        Renderer().render([rows(backwards)]).shared
    )


def test_changed_numbers_are_written_to_their_series() -> None:
    renderer = Renderer()
    renderer.render([rows({("z", "b"): 1.0, ("z", "a"): 2.0})])
    (rendered,) = renderer.render([rows({("z", "b"): 10.0, ("z", "a"): 20.0})]).shared
    assert b'person="a",zone="z"} 20.0\n' in plain(rendered)
    assert b'person="b",zone="z"} 10.0\n' in plain(rendered)


def test_only_a_changed_family_is_rendered_again() -> None:
    renderer = Renderer()
    still, moving = rows({("z", "a"): 1.0}), rows({("z", "a"): 1.0}, "other")
    first = renderer.render([still, moving]).shared
    second = renderer.render([still, rows({("z", "a"): 2.0}, "other")]).shared
    assert second[0] is first[0]
    assert second[1] is not first[1]


def test_a_missing_family_leaves_the_cache() -> None:
    renderer = Renderer()
    (before,) = renderer.render([rows({("z", "a"): 1.0})]).shared
    assert renderer.render([]).shared == ()
    (after,) = renderer.render([rows({("z", "a"): 1.0})]).shared
    assert after is not before
    assert after == before


def test_series_of_people_are_rendered_separately() -> None:
    family = FamilySamples(Family("person_kpi_value", "V.", ("kpi",)), Scope.PERSON, [("a",)], [1.0], tuple)
    rendering = Renderer().render([family, rows({("z", "a"): 1.0})])
    assert [plain(family).split()[2] for family in rendering.people] == [b"person_kpi_value"]
    assert [plain(family).split()[2] for family in rendering.shared] == [b"business_calls"]
