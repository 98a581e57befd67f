"""Users and their teams."""

from __future__ import annotations

from datetime import UTC, datetime

from exporter.passes import Listing
from tests.sources.providers.pipedrive.passes import read, source
from tests.sources.providers.pipedrive.vendor import Pipedrive
from tests.sources.source_context import by_id, run


def test_users_are_people_with_their_first_active_team() -> None:
    vendor = Pipedrive()
    plain = {"active_flag": True, "modified": "2026-02-01 08:45:56", "is_deleted": False}
    vendor.users = [{**plain, "id": 7, "name": "Ada", "email": "ada@example.com"}, {**plain, "id": 8, "name": "Bo"}]
    pages = read(vendor, "people")
    found = by_id(pages)
    assert (found["7"].team, found["8"].team) == ("Closers", None)
    assert found["7"].updated_at == datetime(2026, 2, 1, 8, 45, 56, tzinfo=UTC)
    assert pages[-1].listing == Listing()
    assert set(by_id(read(vendor, "people", cursor=pages[-1].cursor))) == {"7", "8"}  # nothing tells of changes
    vendor.teams = False
    assert by_id(read(vendor, "people"))["7"].team is None


def test_check_warns_that_people_have_no_team() -> None:
    """Pitfall: a refusal that is passed over, so that something vanishes without a word."""
    (people,) = run(source(Pipedrive(teams=False), "people").check())
    assert people.allowed
    assert "no teams" in people.missing
    (people,) = run(source(Pipedrive(), "people").check())
    assert people.missing == ""
