"""OpenAPI 3.1 from the shapes that the decoder and the renderers use.

Each view method says what it is with `@describe(...)`; request and response bodies are msgspec
structs, so what the document promises is what the decoder enforces.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

F = TypeVar("F", bound=Callable[..., Any])


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
    request: type[msgspec.Struct] | None = None
    response: Response = None
    status: int = 200
    description: str = ""
    tag: str = ""
    errors: tuple[int, ...] = ()
    idempotent: bool | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


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
    `errors` are statuses beside 400, 401, 403, 404 and 429. `idempotent`: takes an Idempotency-Key
    (by default every POST does)."""

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
