"""What the tests of Stripe's official files have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.sources.providers.stripe.vendor import KEY
from tests.sources.source_context import records_of
from tests.specs.recorded import full_pass

VERSION = "2020-03-02"
KINDS = {"subscriptions": "subscription", "invoices": "invoice", "payments": "charge"}
LISTS = {"subscriptions": "/v1/subscriptions", "invoices": "/v1/invoices", "payments": "/v1/charges"}


def chosen(entity: str, **given: Any) -> dict[str, Any]:
    """Options of a source with one entity."""
    return {"provider": "stripe", "key": {"env": "KEY"}, "entities": [entity], **given}


def listed(rows: list[Any]) -> dict[str, Any]:
    """A list with all its rows."""
    return {"object": "list", "url": "/v1", "has_more": False, "data": rows}


def read(entity: str, answers: Mapping[str, Any], **given: Any) -> list[Any]:
    """What a full pass makes of answers by path; no row is rejected."""
    pages = full_pass(lambda request: answers[request.url.path], {"KEY": KEY}, **chosen(entity, **given))
    assert [error for page in pages for error in page.rejected] == []
    return records_of(pages)


def unlike(value: Any, today: Mapping[str, Any], shown: Any = None, place: str = "") -> Iterator[str]:
    """Where a value has fields or types that the fixture of its kind has not; null shows nothing."""
    if isinstance(value, dict):
        kind = value.get("object")
        if isinstance(kind, str) and kind in today:  # an event's data has an object of that name
            shown, place = today[kind], kind
        for name, each in value.items() if isinstance(shown, dict) else ():
            if name in shown:
                yield from unlike(each, today, shown[name], f"{place}.{name}")
            else:
                yield f"{place}.{name}: unknown field"
    elif isinstance(value, list):
        for each in value:
            yield from unlike(each, today, shown[0] if shown else None, place)
    elif None not in (value, shown) and _kind(value) != _kind(shown):
        yield f"{place}: a {_kind(value)} where a {_kind(shown)} is shown"


def _kind(value: Any) -> str:
    return {"bool": "flag", "int": "number", "float": "number"}.get(type(value).__name__, type(value).__name__)
