"""Middleware of the stock handler."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from apps.core.api import request_ids


class RequestIdMiddleware:
    """Every response carries its request's id as `Request-Id`."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        request_ids.adopt(request)
        if self.is_async:
            return self._acall(request)
        return self._marked(request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        return self._marked(request, await self.get_response(request))  # type: ignore[misc]

    def _marked(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response["Request-Id"] = request_ids.of(request)
        return response


class NoCookiesMiddleware:
    """The API sees no cookies, as its hot endpoints see none: a key says who asks. Otherwise the middleware behind would
    answer a browser's, or a made-up one, with cookies."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if request.path.startswith("/v1/"):
            request.META.pop("HTTP_COOKIE", None)
        return self.get_response(request)
