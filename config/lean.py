"""Django's ASGI handler without the two threads that the stock one starts for every request.

It keeps Django's URL resolver, request, response, middleware protocol and error signal, and leaves out
what hot views do not use: the thread-sensitive context, the task that watches for a disconnect (the
work of a client that left goes on), the spooled body (it is read into memory, at most 256 KB), and the
request_started/request_finished signals, whose receivers close sync database connections and caches.
So a view served here must never touch Django's own database connection.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import get_resolver
from django.utils.module_loading import import_string

from apps.core.api import answers, fallbacks, request_ids
from apps.core.api.errors import BodyInvalid, BodyTimeout, BodyTooLarge, UrlInvalid
from apps.core.errors import FlorinError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
GetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]

MAX_BODY = 262_144
BODY_DEADLINE_S = 15.0

log = structlog.get_logger(__name__)


class ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


class LeanHandler(ASGIHandler):  # type: ignore[misc]
    """Serves the URLs of `urlconf` and nothing else."""

    def __init__(self, urlconf: str | None = None) -> None:
        self.resolver = get_resolver(urlconf or settings.HOT_URLCONF)
        self.load_middleware(is_async=True)

    def load_middleware(self, is_async: bool = True) -> None:
        """The chain of settings.HOT_MIDDLEWARE around the view; each must be async-native."""
        handler: GetResponse = self._answer
        for path in reversed(settings.HOT_MIDDLEWARE):
            middleware = import_string(path)
            if not getattr(middleware, "async_capable", False):
                raise TypeError(f"{path} is not async-native: it would bring the threads back")
            handler = middleware(handler)
        self._middleware_chain = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive, MAX_BODY)
        except ClientLeft:
            return
        except FlorinError as error:
            await self._send(refused(error), send)
            return
        try:
            request = ASGIRequest(scope, io.BytesIO(body))
        except UnicodeDecodeError:
            await self._send(refused(UrlInvalid(reason="it is not ASCII.")), send)
            return
        await self._send(await self.get_response_async(request), send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        """The view's response; if anything unforeseen is raised, a 500 with the request's id and
        nothing else, while the exception goes to the log and to `got_request_exception`."""
        request_id = request_ids.of(request)
        try:
            response = await self._middleware_chain(request)
        except Exception as error:
            log.exception("request.failed", method=request.method, error=type(error).__name__)
            got_request_exception.send(sender=self.__class__, request=request)
            response = fallbacks.server_error(request)
        response["Request-Id"] = request_id
        return response

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            match = self.resolver.resolve(request.path_info)
        except Http404 as missing:
            return fallbacks.not_found(request, missing)
        request.resolver_match = match
        response: HttpResponse = await match.func(request, *match.args, **match.kwargs)
        return response

    async def _send(self, response: HttpResponse, send: Send) -> None:
        headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
        body = response.content
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. What is too large or too slow is refused while it arrives, never kept."""
    _refuse_length(scope, limit)
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            return await _collected(receive, limit)
    except TimeoutError:
        raise BodyTimeout() from None


async def _collected(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeft()
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(first) <= limit:
        return first
    body = bytearray(first)
    while len(body) <= limit:
        if not message.get("more_body", False):
            return bytes(body)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft()
        body += message.get("body", b"")
    raise BodyTooLarge(limit=limit)


def _refuse_length(scope: Scope, limit: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit():
                raise BodyInvalid(reason="its Content-Length is not a number.")
            if len(value) > 18 or int(value) > limit:
                raise BodyTooLarge(limit=limit)


def refused(error: FlorinError) -> HttpResponse:
    """The answer to a request that was not even a request."""
    return answers.error_response(error, request_ids.new())


class BodyLimit:
    """Around the stock handler, which would spool a body of any size to disk before a view sees it."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]], limit_for: Callable[[str], int]) -> None:
        self.application = application
        self.limit_for = limit_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self.limit_for(scope["path"])
        try:
            _refuse_length(scope, limit)
            await self.application(scope, self._counted(receive, limit), send)
        except (BodyTooLarge, BodyInvalid, BodyTimeout) as error:
            await send_refusal(error, send)

    @staticmethod
    def _counted(receive: Receive, limit: int) -> Receive:
        seen, complete = 0, False

        async def counted() -> Message:
            nonlocal seen, complete
            if complete:
                return await receive()  # waits for the client to leave
            try:
                async with asyncio.timeout(BODY_DEADLINE_S):
                    message = await receive()
            except TimeoutError:
                raise BodyTimeout() from None
            seen += len(message.get("body", b""))
            if seen > limit:
                raise BodyTooLarge(limit=limit)
            complete = not message.get("more_body", False)
            return message

        return counted


async def send_refusal(error: FlorinError, send: Send) -> None:
    response = refused(error)
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
