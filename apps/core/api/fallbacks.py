"""What is answered where no view is: JSON below /v1/, a plain page elsewhere."""

from django.http import HttpRequest, HttpResponse

from apps.core.api import answers, request_ids
from apps.core.api.errors import RouteNotFound, ServerError


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404. The URL is not repeated: it may hold anything."""
    if not request.path.startswith("/v1/"):
        return HttpResponse("Not found.\n", status=404, content_type="text/plain; charset=utf-8")
    return answers.error_response(RouteNotFound(method=_known(request.method)), request_ids.of(request))


def server_error(request: HttpRequest) -> HttpResponse:
    """500 with the request's id and nothing else; Django has logged the exception."""
    if not request.path.startswith("/v1/"):
        text = f"Something went wrong on our side. Request {request_ids.of(request)}.\n"
        return HttpResponse(text, status=500, content_type="text/plain; charset=utf-8")
    return answers.error_response(ServerError(), request_ids.of(request))


def _known(method: str | None) -> str:
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} else "unknown method"
