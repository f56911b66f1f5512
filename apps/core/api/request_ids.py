"""The id of a request: on its response, in its errors, on every log line written meanwhile."""

from contextvars import ContextVar

from django.http import HttpRequest

from apps.core import ids

# The one that is answered in this context, for log lines (config/logs).
current: ContextVar[str | None] = ContextVar("request_id", default=None)


def new() -> str:
    """A new id, `req_…`."""
    return ids.new_text("req")


# Where a request's scope holds its id, when it comes from a handler that has given it one.
GIVEN = "florin.request_id"


def adopt(request: HttpRequest) -> str:
    """The id that another handler of this process has given to the request, or else its own."""
    given = getattr(request, "scope", {}).get(GIVEN)
    if given is not None:
        request.florin_request_id = given  # type: ignore[attr-defined]
    return of(request)


def of(request: HttpRequest) -> str:
    """The request's own `req_…`; made on first use and never taken from the client."""
    found: str | None = getattr(request, "florin_request_id", None)
    return give(request) if found is None else found


def give(request: HttpRequest) -> str:
    """A new id for a request that has none."""
    given = request.florin_request_id = new()  # type: ignore[attr-defined]
    current.set(given)
    return given
