"""Shared by the tests of Stripe's documents: its objects, and full passes over responses given by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from tests.programs import shared
from tests.sources.providers.stripe.vendor import KEY
from tests.sources.source_context import records_of
from tests.specs.exchanges import full_pass
from tests.specs.specification import OWN

VERSION = "2020-03-02"
KINDS = {"subscriptions": "subscription", "invoices": "invoice", "payments": "charge"}
LISTS = {"subscriptions": "/v1/subscriptions", "invoices": "/v1/invoices", "payments": "/v1/charges"}

_OWN_OBJECTS = Path(__file__).parents[1] / "data" / "specs" / "stripe_objects.yaml"


def stripe_objects(origin: str) -> Mapping[str, Any]:
    """One object of each kind; skips the test if the official ones are not available."""
    if origin == OWN:
        objects: Mapping[str, Any] = yaml.safe_load(_OWN_OBJECTS.read_text(encoding="utf-8"))
        return objects
    official: Mapping[str, Any] = orjson.loads(shared("specs", "stripe", "fixtures3.json").read_bytes())["resources"]
    return official


def source_settings(entity: str, **settings: Any) -> dict[str, Any]:
    """The config of a source with one entity."""
    return {"provider": "stripe", "key": {"env": "KEY"}, "entities": [entity], **settings}


def list_body(rows: list[Any]) -> dict[str, Any]:
    """A list on one page."""
    return {"object": "list", "url": "/v1", "has_more": False, "data": rows}


def read(entity: str, responses: Mapping[str, Any], **settings: Any) -> list[Any]:
    """The records of a full pass over responses by path; no row may be rejected."""
    pages = full_pass(lambda request: responses[request.url.path], {"KEY": KEY}, **source_settings(entity, **settings))
    assert [error for page in pages for error in page.rejected] == []
    return records_of(pages)


def object_differences(value: Any, objects: Mapping[str, Any], reference: Any = None, path: str = "") -> Iterator[str]:
    """Fields and types of a value that the object of its kind does not have; a null matches any type."""
    if isinstance(value, dict):
        kind = value.get("object")
        if isinstance(kind, str) and kind in objects:  # the `object` of an event's data is a dict, not a kind
            reference, path = objects[kind], kind
        for name, each in value.items() if isinstance(reference, dict) else ():
            if name in reference:
                yield from object_differences(each, objects, reference[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}: unknown field"
    elif isinstance(value, list):
        for each in value:
            yield from object_differences(each, objects, reference[0] if reference else None, path)
    elif None not in (value, reference) and _type_name(value) != _type_name(reference):
        yield f"{path}: a {_type_name(value)} instead of a {_type_name(reference)}"


def _type_name(value: Any) -> str:
    return {"bool": "flag", "int": "number", "float": "number"}.get(type(value).__name__, type(value).__name__)
