"""A short YAML notation for the project's own shapes of vendors' APIs, and its conversion to an OpenAPI document.

A file in tests/data/specs lists the requests that providers send and the fields that they read:

- `integer`, `string`, `boolean`, `number` and `any` are types; `date`, `uuid`, `unix-time` and so on are formats;
- `CA-sid` is a Twilio identifier that starts with CA;
- `open | won | lost` is a choice of strings, `= charge` a single string;
- `string / lead` is either of the two;
- `lead` is the shape of that name, `[lead]` a list of them, `{a: ..., b: ...}` an object with these fields; the field
  `*` allows any other field;
- the suffix `or null` allows null; a `!` after a field's name makes the field required.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PLAIN = ("integer", "string", "boolean", "number")
FORMATS = {
    "date": "string", "date-time": "string", "date-time-rfc-2822": "string", "uuid": "string", "decimal": "string",
    "currency": "string", "unix-time": "integer",
}  # fmt: skip
SECURITY = {
    "api_key": {"type": "apiKey", "name": "x-api-token", "in": "header"},
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "oauth2": {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "https://oauth.pipedrive.com/oauth/authorize",
                "tokenUrl": "https://oauth.pipedrive.com/oauth/token",
                "refreshUrl": "https://oauth.pipedrive.com/oauth/token",
                "scopes": {},
            }
        },
    },
}
OR_NULL = " or null"
_SID = re.compile(r"([A-Z]{2})-sid")


def document(file: Mapping[str, Any]) -> dict[str, Any]:
    """Converts a file in the short notation to an OpenAPI document."""
    shapes = file["shapes"]
    return {
        "openapi": "3.0.1",
        "info": {"title": file["server"], "version": "1"},
        "servers": [{"url": file["server"]}],
        "paths": {path: {"get": _operation(path, operation, file)} for path, operation in file["paths"].items()},
        "components": {
            "schemas": {name: schema(shape, shapes) for name, shape in shapes.items()},
            "securitySchemes": {name: SECURITY[name] for name in file["security"]},
        },
    }


def schema(shape: Any, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a shape."""
    if isinstance(shape, list):
        return {"type": "array", "items": schema(shape[0], shapes)}
    if isinstance(shape, dict):
        fields = {name.rstrip("!"): schema(each, shapes) for name, each in shape.items() if name != "*"}
        required = [name.rstrip("!") for name in shape if name.endswith("!")]
        return {
            "type": "object",
            "properties": fields,
            **({"required": required} if required else {}),
            **({"additionalProperties": True} if "*" in shape else {}),
        }
    if shape.endswith(OR_NULL):
        inner = schema(shape.removesuffix(OR_NULL), shapes)
        return {"nullable": True, **({"anyOf": [inner]} if "$ref" in inner else inner)}
    if shape in PLAIN:
        return {"type": shape}
    if shape in FORMATS:
        return {"type": FORMATS[shape], "format": shape}
    if shape == "any":
        return {"type": "object", "additionalProperties": True}
    if sid := _SID.fullmatch(shape):
        return {"type": "string", "minLength": 34, "maxLength": 34, "pattern": f"^{sid[1]}[0-9a-fA-F]{{32}}$"}
    if " / " in shape:
        return {"anyOf": [schema(each, shapes) for each in shape.split(" / ")]}
    if " | " in shape or shape.startswith("= "):
        return {"type": "string", "enum": shape.removeprefix("= ").split(" | ")}
    if shape not in shapes:
        raise KeyError(f"{shape} is neither a type nor a shape in the file")
    return {"$ref": f"#/components/schemas/{shape}"}


def _operation(path: str, operation: Mapping[str, Any], file: Mapping[str, Any]) -> dict[str, Any]:
    path_parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _placeholders(path)
    ]
    query = [_parameter(name, shape, file["shapes"]) for name, shape in operation.get("query", {}).items()]
    scopes = operation.get("scopes", [])
    response = schema(operation["answer"], file["shapes"])
    return {
        "parameters": path_parameters + query,
        "security": [{name: scopes if name == "oauth2" else []} for name in file["security"]],
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": response}}}},
    }


def _parameter(name: str, shape: Any, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """A query parameter; lists and objects are written with brackets, as in Stripe's API."""
    has_alternative = isinstance(shape, dict) and "or" in shape
    choices = [schema({key: value for key, value in shape.items() if key != "or"}, shapes)] if has_alternative else []
    parameter_schema = {"anyOf": [*choices, schema(shape["or"], shapes)]} if has_alternative else schema(shape, shapes)
    deep = isinstance(shape, list | dict)
    return {
        "name": name.rstrip("!"),
        "in": "query",
        "required": name.endswith("!"),
        "schema": parameter_schema,
        **({"style": "deepObject", "explode": True} if deep else {}),
    }


def _placeholders(path: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", path)
