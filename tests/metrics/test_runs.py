"""Runs of values over steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.runs import Run, aligned, clipped, runs_of

COLUMNS = st.integers(1, 12).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from([None, "a", "b"]), min_size=width, max_size=width), min_size=1, max_size=3
    )
)


def spread(runs: list[Run[str]], width: int) -> list[str | None]:
    return [next((value for first, until, value in runs if first <= step < until), None) for step in range(width)]


def test_equal_neighbours_are_one_run_and_none_is_no_run() -> None:
    assert runs_of(["a", "a", None, "b", "a"]) == [(0, 2, "a"), (3, 4, "b"), (4, 5, "a")]
    assert runs_of([]) == runs_of([None]) == []


def test_a_span_is_cut_wherever_one_of_the_columns_changes() -> None:
    assert list(aligned([[(0, 4, "a")], [(1, 2, "b"), (2, 6, "c")]], 0, 5)) == [
        (0, 1, "a", None),
        (1, 2, "a", "b"),
        (2, 4, "a", "c"),
        (4, 5, None, "c"),
    ]


@given(COLUMNS, st.integers(0, 12), st.integers(0, 12))
def test_aligned_and_clipped_runs_have_the_values_of_every_step(
    columns: list[list[str | None]], first: int, until: int
) -> None:
    width = len(columns[0])
    first, until = sorted((min(first, width), min(until, width)))
    runs = [runs_of(column) for column in columns]
    for column, of_column in zip(columns, runs, strict=True):
        inside = [value if first <= step < until else None for step, value in enumerate(column)]
        assert spread(list(clipped(of_column, first, until)), width) == inside
    steps = [(step, values) for begin, end, *values in aligned(runs, first, until) for step in range(begin, end)]
    assert steps == [(step, [column[step] for column in columns]) for step in range(first, until)]
