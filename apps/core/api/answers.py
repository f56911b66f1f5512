"""JSON out: rendered objects as bytes, and the HTTP responses made of them."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpResponse

from apps.core.errors import FlorinError, error_body

JSON = "application/json"


def encode(document: Any) -> bytes:
    """The JSON of a rendered object: UTF-8, no spaces, keys in the order the renderer gave them."""
    return orjson.dumps(document)


def respond(status: int, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
    """The JSON response. Nothing of the API may be cached or sniffed."""
    response = HttpResponse(body, status=status, content_type=JSON)
    # Named here, or the server sends the body in chunks.
    response["Content-Length"] = str(len(body))
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    for name, value in headers.items():
        response[name] = value
    return response


def error_response(error: FlorinError, request_id: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """`error` in Stripe's shape, with the error's own headers on top of `headers`."""
    body = error_body(error, request_id, f"{settings.PUBLIC_BASE_URL}/docs/errors")
    return respond(error.status, body, {"Request-Id": request_id, **(headers or {}), **error.headers})
