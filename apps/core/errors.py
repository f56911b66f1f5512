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

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from apps.core.documents import encode


class FlorinError(Exception):
    """An expected failure: becomes an HTTP answer in Stripe's error shape."""

    type: ClassVar[str] = "api_error"
    code: ClassVar[str | None] = None
    status: ClassVar[int] = 500
    message: ClassVar[str] = "Something went wrong on our side."
    # Further codes that an error of the class may have, and when.
    also: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *, param: str | None = None, **fields: Any) -> None:
        self.param = param
        self.fields = fields
        super().__init__(self.text)

    @property
    def text(self) -> str:
        return self.message.format(param=self.param, **self.fields)

    @property
    def anchor(self) -> str | None:
        """Where the page of errors says what it means; codes that others may add to theirs are explained as the class is."""
        return self.code if self.code in self.also else type(self).code

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
        body["doc_url"] = f"{doc_base}#{error.anchor}"
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


class Explained(NamedTuple):
    """A code on the page of errors. Where several classes share it, all that may be is said."""

    code: str
    status: str
    type: str
    when: str


def explained() -> list[Explained]:
    """Every code of the classes that have been imported, once, by its name."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for cls in catalogue():
        for code, when in {**({cls.code: cls.__doc__ or ""} if cls.code else {}), **cls.also}.items():
            found.setdefault(code, []).append((str(cls.status), cls.type, " ".join(when.split())))
    return [_together(code, rows) for code, rows in sorted(found.items())]


def _together(code: str, rows: list[tuple[str, str, str]]) -> Explained:
    statuses, types, whens = (dict.fromkeys(column) for column in zip(*rows, strict=True))
    return Explained(code, " or ".join(statuses), " or ".join(types), " ".join(whens))
