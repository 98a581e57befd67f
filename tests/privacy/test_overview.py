"""What the config makes of personal data, in words."""

from __future__ import annotations

from typing import Any

from exporter.privacy.overview import overview
from tests.metrics.queries import metric
from tests.metrics.stores import config_of


def notes(**sections: Any) -> dict[str, list[str]]:
    topics: dict[str, list[str]] = {}
    for note in overview(config_of(metric(name="won", entity="deals", at="closed_at", count="rows"), **sections)):
        topics.setdefault(note.topic, []).append(note.text)
    return topics


def test_a_source_says_whom_it_knows() -> None:
    found = notes()
    assert found["source crm"] == ["who owns or handles deals (owner)"]
    assert found["series"] == ["no value of a single person: no KPI has the scope person"]
    assert "400d" in found["store"][0]


def test_members_of_teams_and_labels_of_owners_are_told() -> None:
    config = config_of(
        metric(name="won", entity="deals", at="closed_at", count="rows", by=["owner"]),
        teams=[{"name": "North", "members": [{"person": "Ada"}, {"person": "Bob"}]}],
        history={"retention": "30d"},
    )
    texts = [note.text for note in overview(config)]
    assert "2 members of teams, by name, email or id, in the file itself" in texts
    assert "won has the label owner: what the source calls the person" in texts
    assert any("30d" in text for text in texts)


def test_where_emails_go_is_told_if_alerts_need_them() -> None:
    team = {"name": "North", "lead": "north@example.com"}
    kpi = {
        "name": "deals", "title": "Deals", "objective": "grow", "department": "Sales", "owner": "a@example.com",
        "why": "It matters.", "value": "won", "period": "month", "better": "higher", "scopes": ["company", "person"],
    }  # fmt: skip
    objectives = [{"name": "grow", "title": "Grow", "owner": "a@example.com"}]

    def told(**alerts: Any) -> list[str]:
        return notes(kpis=[{**kpi, "alerts": alerts}], objectives=objectives, teams=[team]).get("alerts", [])

    assert told() == []
    (to_persons,) = told(scopes=["person"])
    assert "a label of person_email_info on /metrics" in to_persons
    leads, about = told(scopes=["person"], people_to=["lead"])
    assert leads == "the email of a team's lead, in the config and in Alertmanager's, and in no series"
    assert about == "leads read who in their team is off track in deals"
