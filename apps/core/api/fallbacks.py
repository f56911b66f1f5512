"""What is answered where no view is: JSON below /v1/, a plain page elsewhere."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from apps.core.api import answers, request_ids
from apps.core.api.errors import RouteNotFound, ServerError, Unavailable


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404. The URL is not repeated: it may hold anything."""
    if not request.path.startswith("/v1/"):
        return HttpResponse("Not found.\n", status=404, content_type="text/plain; charset=utf-8")
    return answers.error_response(RouteNotFound(method=_known(request.method)), request_ids.of(request))


def server_error(request: HttpRequest) -> HttpResponse:
    """500 with the request's id and nothing else; Django has logged the exception. 503 when it was only
    that the database could not be reached, which passes."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return unavailable(request)
    if not request.path.startswith("/v1/"):
        text = f"Something went wrong on our side. Request {request_ids.of(request)}.\n"
        return HttpResponse(text, status=500, content_type="text/plain; charset=utf-8")
    return answers.error_response(ServerError(), request_ids.of(request))


def unavailable(request: HttpRequest) -> HttpResponse:
    """503, to be asked again in a second."""
    error = Unavailable()
    if not request.path.startswith("/v1/"):
        text = "Florin cannot reach its database right now. Try again in a moment.\n"
        return HttpResponse(text, status=503, content_type="text/plain; charset=utf-8", headers=error.headers)
    return answers.error_response(error, request_ids.of(request))


def _known(method: str | None) -> str:
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} else "unknown method"
