"""What the tests of Stripe's official files have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from tests.programs import shared
from tests.sources.providers.stripe.vendor import KEY
from tests.sources.source_context import records_of
from tests.specs.recorded import full_pass
from tests.specs.specification import OWN

VERSION = "2020-03-02"
KINDS = {"subscriptions": "subscription", "invoices": "invoice", "payments": "charge"}
LISTS = {"subscriptions": "/v1/subscriptions", "invoices": "/v1/invoices", "payments": "/v1/charges"}


_OWN_OBJECTS = Path(__file__).parents[1] / "data" / "specs" / "stripe_objects.yaml"


def stripe_objects(origin: str) -> Mapping[str, Any]:
    """One object of each kind; skips the test if they are the official ones and not there."""
    if origin == OWN:
        own: Mapping[str, Any] = yaml.safe_load(_OWN_OBJECTS.read_text(encoding="utf-8"))
        return own
    official: Mapping[str, Any] = orjson.loads(shared("specs", "stripe", "fixtures3.json").read_bytes())["resources"]
    return official


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
