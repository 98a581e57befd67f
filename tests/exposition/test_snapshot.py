"""The snapshot of all series, and its way through the store."""

from __future__ import annotations

import gzip

import pytest

from exporter.config.fields import Scope
from exporter.exposition.families import FamilySamples
from exporter.exposition.render import Renderer, Rendering
from exporter.exposition.snapshot import freeze, take, thaw
from exporter.exposition.text_format import Formats
from exporter.naming import Family
from tests.exposition.sample import NOW


def rendering(help_text: str = "Help.") -> Rendering:
    shared = FamilySamples(Family("kpi_value", help_text, ("kpi",)), Scope.COMPANY, [("a",), ("b",)], [1.0, 2.0], tuple)
    person = FamilySamples(Family("person_kpi_value", "P.", ("kpi",)), Scope.PERSON, [("a",)], [3.0], tuple)
    return Renderer().render([shared, person])


def plain(formats: Formats) -> bytes:
    return b"".join(formats.text.plain)


def test_people_are_part_of_the_shared_series_unless_they_are_separated() -> None:
    together, apart = take(rendering(), NOW, separate=False), take(rendering(), NOW, separate=True)
    assert b"person_kpi_value" in plain(together.shared)
    assert together.people is None
    assert b"person_" not in plain(apart.shared)
    assert apart.people is not None
    assert b"person_kpi_value" in plain(apart.people)
    assert together.series == apart.series == 3


def test_the_gzip_form_contains_the_plain_form() -> None:
    snapshot = take(rendering(), NOW, separate=False)
    assert gzip.decompress(snapshot.shared.text.gzip) == plain(snapshot.shared)
    assert snapshot.shared.openmetrics is snapshot.shared.text


def test_formats_that_differ_are_both_stored() -> None:
    shared = take(rendering('say "x"'), NOW, separate=False).shared
    assert b'say "x"' in plain(shared)
    assert rb"say \"x\"" in b"".join(shared.openmetrics.plain)


@pytest.mark.parametrize("separate", [True, False])
@pytest.mark.parametrize("help_text", ["Help.", 'say "x"'])
def test_a_frozen_snapshot_thaws_unchanged(separate: bool, help_text: str) -> None:
    snapshot = take(rendering(help_text), NOW, separate=separate)
    thawed = thaw(freeze(snapshot, "config 1"), "config 1")
    assert thawed is not None
    assert (thawed.at, thawed.series) == (NOW, 3)
    assert thawed.shared.text.gzip == snapshot.shared.text.gzip
    assert plain(thawed.shared) == plain(snapshot.shared)
    assert b"".join(thawed.shared.openmetrics.plain) == b"".join(snapshot.shared.openmetrics.plain)
    assert (thawed.people is None) is (snapshot.people is None)
    if thawed.people and snapshot.people:
        assert plain(thawed.people) == plain(snapshot.people)


def test_a_snapshot_of_another_config_is_not_restored() -> None:
    assert thaw(freeze(take(rendering(), NOW, separate=False), "config 1"), "config 2") is None


def test_a_damaged_snapshot_is_not_restored() -> None:
    data = freeze(take(rendering(), NOW, separate=False), "c")
    for damaged in (b"", b"{}", b"not json\n", data[:-5], data[:-40] + b"x" * 40, b'{"digest":"c"}\n'):
        assert thaw(damaged, "c") is None
