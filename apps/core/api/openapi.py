"""OpenAPI 3.1 from the shapes that the decoder and the renderers use.

Each view method says what it is with `@describe(...)`; request and response bodies are msgspec
structs, so what the document promises is what the decoder enforces.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeVar

import msgspec
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from apps.core.api.decode import FORM, JSON
from apps.core.api.types import ObjectShape

F = TypeVar("F", bound=Callable[..., Any])
Schema = dict[str, Any]
REFERENCE = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class ListOf:
    """The response is a list object of these."""

    item: type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Binary:
    """The response is a file."""

    media_type: str


Response = type[msgspec.Struct] | ListOf | Binary | None


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one view does."""

    summary: str
    request: type[msgspec.Struct] | None
    response: Response
    status: int
    description: str
    tag: str
    errors: tuple[int, ...]
    idempotent: bool | None


def describe(
    summary: str,
    *,
    request: type[msgspec.Struct] | None = None,
    response: Response = None,
    status: int = 200,
    description: str = "",
    tag: str = "",
    errors: tuple[int, ...] = (),
    idempotent: bool | None = None,
) -> Callable[[F], F]:
    """Documents a view method. `request` is the body of a POST, the query string of a GET or DELETE;
    `errors` are statuses beside the usual ones. `idempotent`: takes an Idempotency-Key (by default
    every POST does)."""

    def mark(method: F) -> F:
        method.operation = Operation(  # type: ignore[attr-defined]
            summary=summary,
            request=request,
            response=response,
            status=status,
            description=description,
            tag=tag,
            errors=errors,
            idempotent=idempotent,
        )
        return method

    return mark


class ErrorDetail(ObjectShape):
    """Why a request failed. `code` is fixed; the catalogue of errors explains each."""

    type: str
    message: str
    request_id: str
    code: str | None = None
    doc_url: str | None = None
    param: str | None = None
    decline_code: str | None = None


class Error(ObjectShape):
    """The answer to every request that fails."""

    error: ErrorDetail


_ERRORS = {
    400: "A parameter is missing, unknown or wrong; `param` names it.",
    401: "No valid API key.",
    402: "The payment was declined or failed.",
    403: "The key does not have the scope that this needs.",
    404: "There is no such object for this key.",
    409: "The first request with this Idempotency-Key is still running; repeat it.",
    413: "The body is larger than 256 KB.",
    422: "The Idempotency-Key belongs to another request, or card data was sent.",
    429: "Too many requests; `Retry-After` says when to go on.",
    500: "Something unexpected failed; quote the request id.",
    503: "Overloaded or being restarted; repeat with the same Idempotency-Key.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "At most 255 printable ASCII characters of your own. The same key again gets the first answer, byte for byte.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_SECURITY = {
    "BearerAuth": {"type": "http", "scheme": "bearer", "description": "Your secret key: `Authorization: Bearer sk_test_…`"},
    "BasicAuth": {"type": "http", "scheme": "basic", "description": "Your secret key as the user name, no password."},
}


class DescribedSchema(AutoSchema):
    """Builds the operation of a view method from its `@describe`; methods without are left out."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry) -> Schema | None:
        found: Operation | None = getattr(getattr(self.view, method.lower()), "operation", None)
        if found is None:
            return None
        self.registry = registry
        for name, scheme in _SECURITY.items():
            _register(registry, name, scheme, ResolvedComponent.SECURITY_SCHEMA)
        scope = getattr(self.view, "scope", {}).get(method)
        operation: Schema = {
            "operationId": operation_id(method, path),
            "summary": found.summary,
            "description": _joined(found.description, f"Needs the scope `{scope}`." if scope else ""),
            "tags": [found.tag or "Other"],
            "security": [{name: []} for name in _SECURITY],
            "parameters": self._parameters(found, path, method),
            "responses": self._responses(found, method),
        }
        if method == "POST" and found.request is not None and found.request.__struct_fields__:
            operation["requestBody"] = self._body(found.request)
        return operation

    def _body(self, shape: type[msgspec.Struct]) -> Schema:
        """A form writes nested values with brackets (`metadata[order]=6735`); JSON as usual."""
        schema = self._schema(shape)
        members = self.registry[shape.__name__, ResolvedComponent.SCHEMA].schema.get("properties", {})
        nested = {name: {"style": "deepObject", "explode": True} for name, member in members.items() if _is_nested(member)}
        required = any(field.required for field in msgspec.structs.fields(shape))
        return {"required": required, "content": {JSON: {"schema": schema}, FORM: {"schema": schema, "encoding": nested}}}

    def _parameters(self, found: Operation, path: str, method: str) -> list[Schema]:
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": 100}}
            for name in re.findall(r"\{(\w+)\}", path)
        ]
        if found.idempotent if found.idempotent is not None else method == "POST":
            parameters.append(_IDEMPOTENCY_KEY)
        if method != "POST" and found.request is not None:
            parameters += self._query(found.request)
        return parameters

    def _query(self, shape: type[msgspec.Struct]) -> list[Schema]:
        (schema,), components = msgspec.json.schema_components([shape], ref_template=REFERENCE)
        own = components.pop(shape.__name__) if "$ref" in schema else schema
        self._register_all(components)
        required = own.get("required", [])
        return [_query_parameter(name, member, name in required) for name, member in own.get("properties", {}).items()]

    def _responses(self, found: Operation, method: str) -> Schema:
        usual = [400, 401, 403, 404, 422, 429, 503] + ([409, 413] if method == "POST" else [])
        error = {JSON: {"schema": self._schema(Error)}}
        headers = {"Request-Id": {"description": "The id of this request.", "schema": {"type": "string"}}}
        responses: Schema = {
            str(found.status): {"description": "Done.", "headers": headers, "content": self._content(found.response)},
        }
        for status in sorted({*usual, *found.errors}):
            responses[str(status)] = {"description": _ERRORS[status], "headers": headers, "content": error}
        return responses

    def _content(self, response: Response) -> Schema:
        if response is None:
            return {}
        if isinstance(response, Binary):
            return {response.media_type: {"schema": {"type": "string", "contentMediaType": response.media_type}}}
        if isinstance(response, ListOf):
            return {JSON: {"schema": self._list(response.item)}}
        return {JSON: {"schema": self._schema(response)}}

    def _list(self, item: type[msgspec.Struct]) -> Schema:
        schema = {
            "type": "object",
            "description": "A page of a list, newest first.",
            "required": ["object", "url", "has_more", "data"],
            "properties": {
                "object": {"type": "string", "const": "list"},
                "url": {"type": "string"},
                "has_more": {"type": "boolean", "description": "Whether there is another page after this one."},
                "data": {"type": "array", "items": self._schema(item)},
            },
        }
        name = f"{item.__name__}List"
        _register(self.registry, name, schema, ResolvedComponent.SCHEMA)
        return {"$ref": REFERENCE.format(name=name)}

    def _schema(self, shape: type[msgspec.Struct]) -> Schema:
        """A reference to the shape's component, which is registered with all that it refers to."""
        (schema,), components = msgspec.json.schema_components([shape], ref_template=REFERENCE)
        self._register_all(components)
        return schema

    def _register_all(self, components: dict[str, Schema]) -> None:
        for name, schema in components.items():
            _register(self.registry, name, schema, ResolvedComponent.SCHEMA)


def introduce(result: Schema, **_: Any) -> Schema:
    """The document opens with what holds for every endpoint (a post-processing hook of drf-spectacular)."""
    result = _as_documented(result)
    text = resources.files("apps.core.api").joinpath("introduction.md").read_text(encoding="utf-8")
    return {**result, "info": {**result["info"], "description": text}}


def _as_documented(node: Any) -> Any:
    r"""`node` with its patterns as JSON Schema writes them: there `$` is the very end, and `\Z` is a letter."""
    if isinstance(node, list):
        return [_as_documented(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: _as_documented(item) for name, item in node.items()}
    pattern = found.get("pattern")
    return found | {"pattern": pattern.removesuffix(r"\Z") + "$"} if isinstance(pattern, str) and pattern.endswith(r"\Z") else found


class TwoShapesOneName(Exception):
    """Two different shapes would be one component of the document: rename one."""


def _register(registry: ComponentRegistry, name: str, schema: Schema, kind: str) -> None:
    component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)  # type: ignore[no-untyped-call]
    if component not in registry:
        registry.register(component)
    elif registry[component].schema != schema:
        raise TwoShapesOneName(name)


def operation_id(method: str, path: str) -> str:
    """`POST /v1/payment_intents/{id}/confirm` as PostPaymentIntentsIdConfirm."""
    words = re.findall(r"[A-Za-z0-9]+", path.removeprefix("/v1"))
    return method.title() + "".join(word.title() for word in words)


def _joined(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)


def _is_nested(member: Schema) -> bool:
    """Whether a member holds an object, or may."""
    return "$ref" in member or member.get("type") == "object" or any(_is_nested(option) for option in member.get("anyOf", ()))


def _without_null(member: Schema) -> Schema:
    """A query parameter is absent rather than null."""
    options = [option for option in member.get("anyOf", ()) if option.get("type") != "null"]
    rest = {name: value for name, value in member.items() if name != "anyOf" and (name, value) != ("default", None)}
    return rest | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})


def _query_parameter(name: str, member: Schema, required: bool) -> Schema:
    member = _without_null(member)
    description = member.pop("description", "")
    parameter: Schema = {"name": name, "in": "query", "required": required, "schema": member}
    if description:
        parameter["description"] = description
    if member.get("type") == "array":
        parameter |= {"name": f"{name}[]", "style": "form", "explode": True}
    elif _is_nested(member):
        parameter |= {"style": "deepObject", "explode": True}
    return parameter
