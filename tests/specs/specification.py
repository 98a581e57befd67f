"""An OpenAPI document: the requests it allows, the responses it describes, and its examples.

Each vendor has two sets of documents: the project's own shapes of what it sends and reads, and, as extras, the
vendor's official files, which are read from the shared files beside the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import httpx
import orjson
import yaml
from jsonschema import ValidationError
from jsonschema.validators import extend
from jsonschema_path import SchemaPath
from openapi_core import V30RequestValidator
from openapi_core.casting.schemas import oas30_write_schema_casters_factory
from openapi_core.datatypes import RequestParameters
from openapi_core.deserializing.styles import style_deserializers
from openapi_core.deserializing.styles.factories import StyleDeserializersFactory
from openapi_core.security.exceptions import SecurityProviderError
from openapi_core.security.factories import SecurityProviderFactory
from openapi_core.security.providers import BaseProvider
from openapi_core.templating.paths.datatypes import PathOperationServer
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
from openapi_core.validation.schemas.factories import SchemaValidatorsFactory
from openapi_schema_validator import OAS30ReadValidator
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.programs import shared
from tests.specs.notation import document
from tests.specs.schemas import Schemas

_BRACKETS = re.compile(r"\[\w+\]$")

OWN, OFFICIAL = "own shapes", "official files"
ORIGINS = (OWN, OFFICIAL)

OFFICIAL_FILES = {
    "pipedrive": ("v2.yaml", "v1.yaml"),
    "stripe": ("spec3-2020-03-02.json",),
    "twilio": ("twilio_api_v2010.json", "twilio_taskrouter_v1.json"),
}
OWN_FILES = {
    "pipedrive": ("pipedrive_v2.yaml", "pipedrive_v1.yaml"),
    "stripe": ("stripe.yaml",),
    "twilio": ("twilio_api_v2010.yaml", "twilio_taskrouter_v1.yaml"),
}
_SHAPES = Path(__file__).parents[1] / "data" / "specs"


def specifications(vendor: str, origin: str) -> tuple[Specification, ...]:
    """A vendor's documents; skips the test if the official files are not available."""
    official_names = OFFICIAL_FILES[vendor]
    if origin == OFFICIAL:
        return tuple(load(vendor, name) for name in official_names)
    texts = [(_SHAPES / name).read_text(encoding="utf-8") for name in OWN_FILES[vendor]]
    documents = [document(yaml.safe_load(text)) for text in texts]
    return tuple(Specification(f"{vendor}/{name}", each) for name, each in zip(official_names, documents, strict=True))


def load(*parts: str) -> Specification:
    """Loads one of the official files; skips the test if it is not available."""
    path = shared("specs", *parts)
    raw = path.read_bytes()
    # PyYAML's Python loader takes half a minute for such a file, its C loader half a second
    parsed = orjson.loads(raw) if path.suffix == ".json" else yaml.load(raw, Loader=yaml.CSafeLoader)
    return Specification("/".join(parts), parsed)


@dataclass(frozen=True)
class Specification:
    """One document; only the references that a request or a response needs are resolved."""

    name: str
    document: Mapping[str, Any] = field(repr=False)

    def has_operation(self, request: httpx.Request) -> bool:
        """Whether the document has an operation at the request's address."""
        try:
            self._resolve(request)
        except PathError:
            return False
        return True

    def path(self, request: httpx.Request) -> str:
        """The operation's path as the document writes it."""
        return str(self._resolve(request).path_result.pattern)

    def operation(self, request: httpx.Request) -> str:
        """The operation's method and its path, including the server's path."""
        server = (self._resolve(request).server / "url").read_str()
        return f"{request.method} {httpx.URL(server).path.rstrip('/')}{self.path(request)}"

    def security(self, request: httpx.Request) -> list[Mapping[str, list[str]]]:
        """The alternative security requirements of the operation: scheme names with their scopes."""
        requirements: list[Mapping[str, list[str]]] = (self._resolve(request).operation / "security").read_value()
        return requirements

    def refusals(self, request: httpx.Request) -> dict[str, str]:
        """Why the document does not allow the request: messages by operation and violated rule."""
        try:
            operation = self._resolve(request)
        except PathError as error:
            return self._refusal_messages(request, request.url.path, [type(error).__name__])
        violations = [_rule_text(error) for error in self._requests.iter_errors(_OpenApiRequest(request))]
        # openapi-core ignores unknown parameters
        violations += [f"Unknown query parameter: {name}" for name in self._unknown_parameters(operation, request)]
        return self._refusal_messages(request, self.operation(request), violations)

    def _refusal_messages(self, request: httpx.Request, operation: str, violations: list[str]) -> dict[str, str]:
        address = f"{request.method} {request.url}"
        return {
            f"{operation}: {':'.join(rule.split(':')[:2])}": f"{address}: {rule} [{self.name}: {operation}]"
            for rule in violations
        }

    def schema_errors(self, path: str, response: Any) -> list[str]:
        """Where a response to GET violates its schema."""
        return self._differences(path, response, _CompleteResponse)

    def mismatches(self, path: str, response: Any) -> list[str]:
        """Where a response to GET has types or fields that the document does not have.

        Missing fields are allowed because a fake has only the fields that are read. So are fields that only appear in the
        document's examples.
        """
        in_examples = {
            _any_index(field_path)
            for example in self.examples(path).values()
            for field_path in self._unknown_fields(path, example)
        }
        unknown = [each for each in self._unknown_fields(path, response) if _any_index(each) not in in_examples]
        return self._differences(path, response, _PartialResponse) + [
            self._mismatch_message(path, each, "unknown field") for each in unknown
        ]

    def examples(self, path: str) -> dict[str, Any]:
        """The document's own responses to GET, by name."""
        content = self._content(path).read_value()
        unnamed = {"example": content["example"]} if "example" in content else {}
        return unnamed | {name: example["value"] for name, example in content.get("examples", {}).items()}

    def schema(self, path: str) -> SchemaPath:
        """The schema of a successful response to GET."""
        return self._content(path) / "schema"

    @cached_property
    def schemas(self) -> Schemas:
        """The document's schemas."""
        return Schemas(self.document)

    def _differences(self, path: str, response: Any, validator: Any) -> list[str]:
        schema_validator = SchemaValidatorsFactory(validator).create(self._root, self.schema(path))
        try:
            schema_validator.validate(response)
        except InvalidSchemaValue as error:
            return [
                self._mismatch_message(path, ".".join(map(str, e.absolute_path)), e.message)
                for e in error.schema_errors
            ]
        return []

    def _mismatch_message(self, path: str, field_path: str, rule: str) -> str:
        return f"response to GET {path}: {_any_index(field_path)}: {rule}"

    def _unknown_fields(self, path: str, response: Any) -> Iterator[str]:
        return self.schemas.unknown_fields(self.schema(path).read_value(), response)

    def _unknown_parameters(self, operation: PathOperationServer, request: httpx.Request) -> list[str]:
        declared = {(p / "name").read_str(): p for p in _parameters(operation) if (p / "in").read_str() == "query"}
        unknown = sorted(query_names(request) - declared.keys())
        for name, parameter in declared.items():
            if parameter.get("style") == "deepObject" and any(key.startswith(f"{name}[") for key in request.url.params):
                value = _bracket_values(True, name, "", request.url.params)
                unknown += self.schemas.unknown_fields((parameter / "schema").read_value(), value, f"{name}.")
        return unknown

    def _content(self, path: str) -> SchemaPath:
        return self._root / "paths" / path / "get" / "responses" / "200" / "content" / "application/json"

    def _resolve(self, request: httpx.Request) -> PathOperationServer:
        return self._requests.path_finder.find(request.method.lower(), str(request.url.copy_with(query=None)))

    @cached_property
    def _root(self) -> SchemaPath:
        return SchemaPath.from_dict(dict(self.document))

    @cached_property
    def _requests(self) -> V30RequestValidator:
        styles = {**style_deserializers, "deepObject": _bracket_values}
        factory = StyleDeserializersFactory(oas30_write_schema_casters_factory, style_deserializers=styles)
        return V30RequestValidator(
            self._root, style_deserializers_factory=factory, security_provider_factory=_Credentials()
        )


def query_names(request: httpx.Request) -> set[str]:
    """The names of a request's query parameters, without bracketed suffixes."""
    return {_BRACKETS.sub("", name) for name in request.url.params}


class _OpenApiRequest:
    """Adapts a request to the interface of openapi-core."""

    def __init__(self, request: httpx.Request) -> None:
        self.method = request.method.lower()
        self.host_url = f"{request.url.scheme}://{request.url.netloc.decode()}"
        self.path = request.url.path
        self.content_type = request.headers.get("content-type", "")
        self.body = request.content or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()),
            header=Headers(list(request.headers.items())),
            cookie=ImmutableMultiDict(),
        )


class _Bearer(BaseProvider):
    """An OAuth access token, which openapi-core does not support."""

    def __call__(self, parameters: RequestParameters) -> str:
        kind, _, token = parameters.header.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise SecurityProviderError("Missing access token.")
        return str(token)


class _Credentials(SecurityProviderFactory):
    PROVIDERS: ClassVar = {**SecurityProviderFactory.PROVIDERS, "oauth2": _Bearer}


def _parameters(operation: PathOperationServer) -> Iterator[SchemaPath]:
    for owner in (operation.operation, operation.path):
        if "parameters" in owner:
            yield from owner / "parameters"


def _rule_text(error: Exception) -> str:
    """The violated rule, with the underlying reason if openapi-core's own message omits it."""
    cause: BaseException = error
    while cause.__cause__ is not None and not isinstance(cause, InvalidSchemaValue):
        cause = cause.__cause__
    if isinstance(cause, InvalidSchemaValue):
        return f"{error}: " + ", ".join(each.message for each in cause.schema_errors)
    return str(error) if str(cause) in str(error) else f"{error}: {cause}"


def _any_index(path: str) -> str:
    """A path with its list indexes replaced by `*`."""
    return re.sub(r"\b\d+\b", "*", path)


def _bracket_values(explode: bool, name: str, kind: str, location: Mapping[str, Any]) -> Any:
    """Parses `created[gte]=5` and `types[0]=a`: Stripe writes lists in this style, which OpenAPI leaves undefined."""
    if name in location:
        return location[name]
    prefix = f"{name}["
    values = {key[len(prefix) : -1]: value for key, value in location.items() if key.startswith(prefix)}
    if not values:
        raise KeyError(name)
    if kind != "array":
        return values
    if sorted(values) != sorted(map(str, range(len(values)))):
        raise ValueError(f"{name} is not numbered from 0")
    return [values[str(index)] for index in range(len(values))]


def _nullable(keyword: str) -> Any:
    """Applies the keyword only to values that are not null: vendors combine `nullable` with `anyOf` and `enum`."""
    validate = OAS30ReadValidator.VALIDATORS[keyword]

    def validate_unless_null(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        if instance is not None or not schema.get("nullable"):
            yield from validate(validator, value, instance, schema) or ()

    return validate_unless_null


def _nullable_type(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if instance is not None:
        yield from OAS30ReadValidator.VALIDATORS["type"](validator, value, instance, schema)
    elif not schema.get("nullable"):
        yield ValidationError("null is not allowed")


def _ignore_keyword(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    return iter(())


_CompleteResponse = extend(
    OAS30ReadValidator,
    {"type": _nullable_type} | {keyword: _nullable(keyword) for keyword in ("anyOf", "oneOf", "enum")},
)
_PartialResponse = extend(_CompleteResponse, {"required": _ignore_keyword})
