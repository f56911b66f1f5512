"""Every way to fail that a caller may see.

    FlorinError
    ├── InvalidRequest            400  a parameter is wrong
    │   ├── ParameterMissing      400
    │   ├── ParameterUnknown      400
    │   └── InvalidId             400
    ├── NotFound                  404
    └── Overloaded                503

Each app's `errors.py` adds its own small classes. A class fixes the error's Stripe type
(https://docs.stripe.com/api/errors), code and HTTP status; its message may name typed fields.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from apps.core.documents import encode


class FlorinError(Exception):
    """An expected failure: becomes an HTTP answer in Stripe's error shape."""

    type: ClassVar[str] = "api_error"
    code: ClassVar[str | None] = None
    status: ClassVar[int] = 500
    message: ClassVar[str] = "Something went wrong on our side."

    def __init__(self, *, param: str | None = None, **fields: Any) -> None:
        self.param = param
        self.fields = fields
        super().__init__(self.text)

    @property
    def text(self) -> str:
        return self.message.format(param=self.param, **self.fields)

    @property
    def headers(self) -> dict[str, str]:
        """Extra response headers, for example Retry-After (seconds)."""
        return {}

    def extra(self) -> dict[str, Any]:
        """Further members of the error object, for example `decline_code`."""
        return {}


class InvalidRequest(FlorinError):
    """A parameter has a value that cannot be used."""

    type = "invalid_request_error"
    code = "parameter_invalid"
    status = 400
    message = "Invalid {param}: {reason}"


class ParameterMissing(InvalidRequest):
    """A required parameter is absent."""

    code = "parameter_missing"
    message = "Missing required param: {param}."


class ParameterUnknown(InvalidRequest):
    """A parameter that this endpoint does not have."""

    code = "parameter_unknown"
    message = "Received unknown parameter: {param}."


class InvalidId(InvalidRequest):
    """The text is not an id of the expected type."""

    code = "id_invalid"
    message = "Invalid {param}: expected an id that starts with '{prefix}_'."


class NotFound(FlorinError):
    """No such object is visible to this caller (whether or not another merchant has one)."""

    type = "invalid_request_error"
    code = "resource_missing"
    status = 404
    message = "No such {kind}: '{id}'."


class Overloaded(FlorinError):
    """More work is waiting than can be done in time; nothing was started."""

    type = "api_error"
    code = "overloaded"
    status = 503
    message = "Florin is busy. Nothing was done; try again shortly."

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


def error_body(error: FlorinError, request_id: str, doc_base: str = "/docs/errors") -> bytes:
    """The JSON answer for `error`."""
    body: dict[str, Any] = {"type": error.type, "message": error.text, "request_id": request_id}
    if error.code:
        body["code"] = error.code
        body["doc_url"] = f"{doc_base}#{error.code}"
    if error.param is not None:
        body["param"] = error.param
    body.update(error.extra())
    return encode({"error": body})


def catalogue() -> Iterator[type[FlorinError]]:
    """Every error class that has been imported, parents before children, sorted by code."""
    found: set[type[FlorinError]] = set()
    waiting: list[type[FlorinError]] = [FlorinError]
    while waiting:
        cls = waiting.pop()
        found.add(cls)
        waiting.extend(cls.__subclasses__())
    yield from sorted(found, key=lambda cls: (cls.__module__, cls.code or "", cls.__name__))
