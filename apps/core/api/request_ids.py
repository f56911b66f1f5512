"""The id of a request: on its response, in its errors, on every log line written meanwhile."""

import structlog
from django.http import HttpRequest

from apps.core import ids


def new() -> str:
    """A new id, `req_…`."""
    return ids.encode("req", ids.new_id())


def of(request: HttpRequest) -> str:
    """The request's own `req_…`; made on first use and never taken from the client."""
    found = getattr(request, "florin_request_id", None)
    if found is None:
        found = new()
        request.florin_request_id = found  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(request_id=found)
    return str(found)
