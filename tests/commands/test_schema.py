"""`schema` prints what the config is checked by."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from exporter.config.schema import schema
from tests.command_line import Typed


def test_the_schema_is_one(typed: Typed) -> None:
    printed = json.loads(typed("schema").out)
    Draft202012Validator.check_schema(printed)
    assert printed == schema()
