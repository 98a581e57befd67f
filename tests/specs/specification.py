"""An OpenAPI document: whether it allows a request, whether an answer has its shape, and its own examples.

Each vendor has two sets of documents: the project's own shapes of what it sends and reads, and, as extras that need
the shared files beside the project, the vendor's official ones.
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
from tests.specs.shape import Shape
from tests.specs.shapes import document

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
    """A vendor's documents; skips the test with the reason if they are the official ones and not there."""
    official = OFFICIAL_FILES[vendor]
    if origin == OFFICIAL:
        return tuple(load(vendor, name) for name in official)
    texts = [(_SHAPES / name).read_text(encoding="utf-8") for name in OWN_FILES[vendor]]
    documents = [document(yaml.safe_load(text)) for text in texts]
    return tuple(Specification(f"{vendor}/{name}", each) for name, each in zip(official, documents, strict=True))


def load(*parts: str) -> Specification:
    """One of the official files; skips the test with the reason if they are not beside the project."""
    path = shared("specs", *parts)
    raw = path.read_bytes()
    # PyYAML's own loader takes half a minute for such a file, the one in C half a second
    parsed = orjson.loads(raw) if path.suffix == ".json" else yaml.load(raw, Loader=yaml.CSafeLoader)
    return Specification("/".join(parts), parsed)


@dataclass(frozen=True)
class Specification:
    """One file, of which only what a request or an answer needs is resolved."""

    name: str
    document: Mapping[str, Any] = field(repr=False)

    def knows(self, request: httpx.Request) -> bool:
        """Whether there is an operation at the request's address."""
        try:
            self._found(request)
        except PathError:
            return False
        return True

    def path(self, request: httpx.Request) -> str:
        """The operation's path as the file writes it."""
        return str(self._found(request).path_result.pattern)

    def operation(self, request: httpx.Request) -> str:
        """The operation's method, and its path from the host on."""
        server = (self._found(request).server / "url").read_str()
        return f"{request.method} {httpx.URL(server).path.rstrip('/')}{self.path(request)}"

    def security(self, request: httpx.Request) -> list[Mapping[str, list[str]]]:
        """Ways of opening the operation: names of schemes, with scopes where they have some."""
        found: list[Mapping[str, list[str]]] = (self._found(request).operation / "security").read_value()
        return found

    def refusals(self, request: httpx.Request) -> dict[str, str]:
        """Why the file does not allow the request: by operation and rule, with the request and what breaks the rule."""
        try:
            found = self._found(request)
        except PathError as error:
            return self._refused(request, request.url.path, [type(error).__name__])
        broken = [_rule(error) for error in self._requests.iter_errors(_Asked(request))]
        # openapi-core takes any parameter that it does not look for
        broken += [f"Unknown query parameter: {name}" for name in self._unknown(found, request)]
        return self._refused(request, self.operation(request), broken)

    def _refused(self, request: httpx.Request, operation: str, broken: list[str]) -> dict[str, str]:
        what = f"{request.method} {request.url}"
        return {
            f"{operation}: {':'.join(rule.split(':')[:2])}": f"{what}: {rule} [{self.name}: {operation}]"
            for rule in broken
        }

    def invalid(self, path: str, answer: Any) -> list[str]:
        """Where an answer to GET is not one by its schema."""
        return self._differences(path, answer, _Whole)

    def lies(self, path: str, answer: Any) -> list[str]:
        """Where an answer to GET has other types or other fields than the file.

        What is left out is no lie: a fake holds only what is read. Fields that only the examples have are known.
        """
        shown = {_anywhere(place) for example in self.examples(path).values() for place in self._unnamed(path, example)}
        unknown = [place for place in self._unnamed(path, answer) if _anywhere(place) not in shown]
        return self._differences(path, answer, _Partial) + [
            self._said(path, place, "unknown field") for place in unknown
        ]

    def examples(self, path: str) -> dict[str, Any]:
        """The file's own answers to GET by name."""
        content = self._content(path).read_value()
        plain = {"example": content["example"]} if "example" in content else {}
        return plain | {name: given["value"] for name, given in content.get("examples", {}).items()}

    def schema(self, path: str) -> SchemaPath:
        """The schema of a good answer to GET."""
        return self._content(path) / "schema"

    @cached_property
    def shape(self) -> Shape:
        """What the file's schemas say of values."""
        return Shape(self.document)

    def _differences(self, path: str, answer: Any, validator: Any) -> list[str]:
        made = SchemaValidatorsFactory(validator).create(self._root, self.schema(path))
        try:
            made.validate(answer)
        except InvalidSchemaValue as error:
            return [self._said(path, ".".join(map(str, e.absolute_path)), e.message) for e in error.schema_errors]
        return []

    def _said(self, path: str, place: str, rule: str) -> str:
        return f"answer to GET {path}: {_anywhere(place)}: {rule}"

    def _unnamed(self, path: str, answer: Any) -> Iterator[str]:
        return self.shape.unknown(self.schema(path).read_value(), answer)

    def _unknown(self, found: PathOperationServer, request: httpx.Request) -> list[str]:
        asked = {(p / "name").read_str(): p for p in _parameters(found) if (p / "in").read_str() == "query"}
        unknown = sorted(names(request) - asked.keys())
        for name, parameter in asked.items():
            if parameter.get("style") == "deepObject" and any(key.startswith(f"{name}[") for key in request.url.params):
                value = _bracketed(True, name, "", request.url.params)
                unknown += self.shape.unknown((parameter / "schema").read_value(), value, f"{name}.")
        return unknown

    def _content(self, path: str) -> SchemaPath:
        return self._root / "paths" / path / "get" / "responses" / "200" / "content" / "application/json"

    def _found(self, request: httpx.Request) -> PathOperationServer:
        return self._requests.path_finder.find(request.method.lower(), str(request.url.copy_with(query=None)))

    @cached_property
    def _root(self) -> SchemaPath:
        return SchemaPath.from_dict(dict(self.document))

    @cached_property
    def _requests(self) -> V30RequestValidator:
        styles = {**style_deserializers, "deepObject": _bracketed}
        factory = StyleDeserializersFactory(oas30_write_schema_casters_factory, style_deserializers=styles)
        return V30RequestValidator(
            self._root, style_deserializers_factory=factory, security_provider_factory=_Credentials()
        )


def names(request: httpx.Request) -> set[str]:
    """The query parameters of a request, without what stands in brackets behind them."""
    return {_BRACKETS.sub("", name) for name in request.url.params}


class _Asked:
    """A request as openapi-core wants to see it."""

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
    """The access token of OAuth, of which openapi-core knows nothing."""

    def __call__(self, parameters: RequestParameters) -> str:
        kind, _, token = parameters.header.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise SecurityProviderError("Missing access token.")
        return str(token)


class _Credentials(SecurityProviderFactory):
    PROVIDERS: ClassVar = {**SecurityProviderFactory.PROVIDERS, "oauth2": _Bearer}


def _parameters(found: PathOperationServer) -> Iterator[SchemaPath]:
    for place in (found.operation, found.path):
        if "parameters" in place:
            yield from place / "parameters"


def _rule(error: Exception) -> str:
    """What a rule says, with the reason behind openapi-core's own words."""
    behind: BaseException = error
    while behind.__cause__ is not None and not isinstance(behind, InvalidSchemaValue):
        behind = behind.__cause__
    if isinstance(behind, InvalidSchemaValue):
        return f"{error}: " + ", ".join(each.message for each in behind.schema_errors)
    return str(error) if str(behind) in str(error) else f"{error}: {behind}"


def _anywhere(place: str) -> str:
    """A place in a list, whichever."""
    return re.sub(r"\b\d+\b", "*", place)


def _bracketed(explode: bool, name: str, kind: str, location: Mapping[str, Any]) -> Any:
    """`created[gte]=5` and `types[0]=a`: OpenAPI says nothing of lists in this style, which Stripe writes so."""
    if name in location:
        return location[name]
    start = f"{name}["
    found = {key[len(start) : -1]: value for key, value in location.items() if key.startswith(start)}
    if not found:
        raise KeyError(name)
    if kind != "array":
        return found
    if sorted(found) != sorted(map(str, range(len(found)))):
        raise ValueError(f"{name} is not numbered from 0")
    return [found[str(place)] for place in range(len(found))]


def _unless_null(keyword: str) -> Any:
    """The keyword for what is not null: vendors write `nullable` beside `anyOf` and `enum`, and mean it."""
    plain = OAS30ReadValidator.VALIDATORS[keyword]

    def checked(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        if instance is not None or not schema.get("nullable"):
            yield from plain(validator, value, instance, schema) or ()

    return checked


def _type(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if instance is not None:
        yield from OAS30ReadValidator.VALIDATORS["type"](validator, value, instance, schema)
    elif not schema.get("nullable"):
        yield ValidationError("null is not allowed")


def _nothing(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    return iter(())


_Whole = extend(
    OAS30ReadValidator, {"type": _type} | {keyword: _unless_null(keyword) for keyword in ("anyOf", "oneOf", "enum")}
)
_Partial = extend(_Whole, {"required": _nothing})
