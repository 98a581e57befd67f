from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.records import Deal
from exporter.sources.parsing.unique_ids import UniqueIds

IDS = st.lists(st.sampled_from("abcdefgh"), max_size=30)


@given(IDS, st.integers(1, 10))
def test_each_id_keeps_its_first_row_however_the_file_is_split_into_pages(ids: list[str], size: int) -> None:
    rows = [(Deal(id=name, name=str(line)), line) for line, name in enumerate(ids, 2)]
    unique_ids, kept, faults = UniqueIds(), [], []
    for start in range(0, len(rows), size):
        page = rows[start : start + size]
        checked = unique_ids.check([record for record, _ in page], [line for _, line in page])
        kept += checked.records
        faults += [error.where for error in checked.rejected]
    first = {name: ids.index(name) + 2 for name in ids}
    assert {record.id: record.name for record in kept} == {name: str(line) for name, line in first.items()}
    assert faults == [
        f"line {line}, whose id is already on line {first[name]}"
        for line, name in enumerate(ids, 2)
        if line != first[name]
    ]
