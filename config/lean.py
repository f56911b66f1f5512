"""Django's ASGI handler without the two threads that the stock one starts for every request.

It keeps Django's URL resolver, request, response, middleware protocol and error signal, and leaves out
what hot views do not use: the thread-sensitive context, the task that watches for a disconnect (the
work of a client that left goes on), the spooled body (it is read into memory, at most 256 KB), and the
request_started/request_finished signals, whose receivers close sync database connections and caches.
So a view served here must never touch Django's own database connection.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping
from functools import lru_cache, partial
from types import coroutine
from typing import Any

import structlog
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import ResolverMatch, get_resolver
from django.utils.module_loading import import_string

from apps.core import admission
from apps.core.api import answers, fallbacks, request_ids
from apps.core.api.errors import BodyInvalid, BodyTimeout, BodyTooLarge, UrlInvalid
from apps.core.api.lean_request import LeanRequest
from apps.core.errors import FlorinError, Overloaded
from config import direct

Scope = MutableMapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
GetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]

MAX_BODY = 262_144
BODY_DEADLINE_S = 15.0
SWALLOW_BYTES, SWALLOW_S, SWALLOW_PAUSE_S = 16_777_216, 3.0, 0.3

log = structlog.get_logger(__name__)


class ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


class LeanHandler(ASGIHandler):
    """Serves the URLs of `urlconf` and nothing else."""

    def __init__(self, urlconf: str | None = None) -> None:
        self.resolver = get_resolver(urlconf or settings.HOT_URLCONF)
        self.plain_routes: dict[str, ResolverMatch] = {}
        self.id_routes: dict[tuple[str, ...], ResolverMatch] = {}
        self.load_middleware(is_async=True)

    def load_middleware(self, is_async: bool = True) -> None:
        """The chain of settings.HOT_MIDDLEWARE around the view; each must be async-native."""
        handler: GetResponse = self._answering
        for path in reversed(settings.HOT_MIDDLEWARE):
            middleware = import_string(path)
            if not getattr(middleware, "async_capable", False):
                raise TypeError(f"{path} is not async-native: it would bring the threads back")
            handler = middleware(handler)
        self._middleware_chain = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = direct.body_of(receive)
        if body is None or len(body) > MAX_BODY:
            body = await _received(scope, receive, send)
            if body is None:
                return
        try:
            request = LeanRequest(scope, body)
        except UnicodeDecodeError:
            await transmit(refused(UrlInvalid(reason="it is not ASCII.")), send)
            return
        try:
            admission.enter()
        except Overloaded as error:
            await transmit(refused(error), send)
            return
        try:
            response = await self.get_response_async(request)
        finally:
            admission.leave()
        if not at_once(response, send):
            await transmit(response, send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        """The view's response; if anything unforeseen is raised, a 500 with the request's id and
        nothing else, while the exception goes to the log and to `got_request_exception`."""
        request_id = request_ids.give(request)
        try:
            response = await self._middleware_chain(request)
        except Exception as error:
            log.exception("request.failed", method=request.method, error=type(error).__name__)
            got_request_exception.send(sender=self.__class__, request=request)
            response = fallbacks.server_error(request)
        answers.name_request(response, request_id)
        return response

    def _answering(self, request: HttpRequest) -> Awaitable[HttpResponse]:
        # No coroutine of its own: whatever a view waits for would come through it once more.
        try:
            match = request.resolver_match = self._match(request.path_info)
        except Http404 as missing:
            return _ready(fallbacks.not_found(request, missing))
        answering: Awaitable[HttpResponse] = match.func(request, *match.args, **match.kwargs)
        return answering

    def _match(self, path: str) -> ResolverMatch:
        """What the resolver says. A route without parameters is asked for once, and so is one whose only
        parameter is an id in the third place: any other id leads to the same view."""
        found = self.plain_routes.get(path)
        if found is not None:
            return found
        _, *parts = path.split("/", 4)
        shape = (*parts[:2], *parts[3:])
        found = self.id_routes.get(shape) if len(parts) > 2 and parts[2] else None
        if found is not None:
            return _with_id(found, parts[2])
        found = self.resolver.resolve(path)
        if not found.kwargs and not found.args:
            self.plain_routes[path] = found
        elif found.route.count("<") == found.route.count("<str:") == 1 and parts[2:3] == list(found.kwargs.values()):
            self.id_routes[shape] = found
        return found


def _with_id(found: ResolverMatch, id: str) -> ResolverMatch:
    """The same match for another id. (ResolverMatch refuses to be copied, and takes 5 µs to be made.)"""
    match = ResolverMatch.__new__(ResolverMatch)
    match.__dict__.update(found.__dict__)
    kwargs = dict.fromkeys(found.kwargs, id)
    match.__dict__.update(kwargs=kwargs, captured_kwargs=kwargs)
    return match


async def _ready(response: HttpResponse) -> HttpResponse:
    return response


async def _received(scope: Scope, receive: Receive, send: Send) -> bytes | None:
    """The body that has not come yet; None where there is nobody to answer any more, or who asked was refused."""
    try:
        return await read_body(scope, receive, MAX_BODY)
    except ClientLeft:
        return None
    except (BodyTooLarge, BodyInvalid, BodyTimeout) as error:
        await swallow(receive)
        await transmit(refused(error), send)
        return None


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. What is too large or too slow is refused, and never kept."""
    refuse_length(scope, limit)
    until = time.monotonic() + BODY_DEADLINE_S
    message = await _in_time(receive, until)
    body: bytes = message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientLeft()
    if len(body) > limit:
        raise BodyTooLarge(limit=limit)
    return body if not message.get("more_body", False) else await _rest(body, counting(receive, limit, seen=len(body), until=until))


async def _rest(first: bytes, receive: Receive) -> bytes:
    body = bytearray(first)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def refuse_length(scope: Scope, limit: int) -> None:
    """Nothing, where the headers announce a body of at most `limit` bytes, or none.  Raises: BodyInvalid, BodyTooLarge."""
    # The server has refused a request with two of them.
    length = dict(scope["headers"]).get(b"content-length")
    if length is None:
        return
    if not length.isdigit():
        raise BodyInvalid(reason="its Content-Length is not a number.")
    if len(length) > 18 or int(length) > limit:
        raise BodyTooLarge(limit=limit)


def counting(receive: Receive, limit: int, *, seen: int = 0, until: float | None = None) -> Receive:
    """`receive`, but a body beyond `limit` bytes raises BodyTooLarge and one that is not there at `until` (monotonic;
    BODY_DEADLINE_S from now) raises BodyTimeout. `seen` bytes of it have come already."""
    complete, due = False, time.monotonic() + BODY_DEADLINE_S if until is None else until

    async def counted() -> Message:
        nonlocal seen, complete
        if complete:
            return await receive()  # the next message says that the client has left
        message = await _in_time(receive, due)
        seen += len(message.get("body", b""))
        if seen > limit:
            raise BodyTooLarge(limit=limit)
        complete = not message.get("more_body", False)
        return message

    return counted


async def _in_time(receive: Receive, until: float) -> Message:
    """Most bodies are there with their headers: only what must be waited for gets a timer (10 µs).  Raises: BodyTimeout."""
    receiving = receive().__await__()
    try:
        waited_for = next(receiving)
    except StopIteration as there:
        return there.value  # type: ignore[no-any-return]
    try:
        async with asyncio.timeout(until - time.monotonic()):
            return await _going_on(receiving, waited_for)  # type: ignore[no-any-return]
    except TimeoutError:
        raise BodyTimeout() from None


@coroutine
def _going_on(steps: Any, waited_for: Any) -> Generator[Any, Any, Any]:
    """The rest of an awaitable that has been run up to its first wait."""
    while True:
        try:
            sent = yield waited_for
        except BaseException as error:  # noqa: BLE001  (a timeout or the task's end, for whoever is inside)
            step = partial(steps.throw, error)
        else:
            step = partial(steps.send, sent)
        try:
            waited_for = step()
        except StopIteration as end:
            return end.value


async def swallow(receive: Receive) -> None:
    """Throws away what is left of a body that was refused, within reason: a client that sends all of
    it before it listens would otherwise find its connection reset instead of the answer."""
    swallowed, until = 0, time.monotonic() + SWALLOW_S
    try:
        while swallowed < SWALLOW_BYTES and time.monotonic() < until:
            async with asyncio.timeout(SWALLOW_PAUSE_S):
                message = await receive()
            swallowed += len(message.get("body", b""))
            if not message.get("more_body", False):
                return
    except TimeoutError:
        return


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
            refuse_length(scope, limit)
            await self.application(scope, counting(receive, limit), send)
        except (BodyTooLarge, BodyInvalid, BodyTimeout) as error:
            await swallow(receive)
            await transmit(refused(error), send)


def at_once(response: HttpResponse, send: Send) -> bool:
    """Whether the response went out as a whole. Otherwise nothing was done."""
    return direct.sent(send, response.status_code, _pairs(response), response.content)


def _pairs(response: HttpResponse) -> Mapping[str, str]:
    pairs = response.pairs if isinstance(response, answers.ApiResponse) else None
    return dict(response.items()) if pairs is None else pairs


async def transmit(response: HttpResponse, send: Send) -> None:
    """The response in two messages."""
    pairs, body = _pairs(response), response.content
    headers = on_wire(pairs)
    if "Content-Length" not in pairs:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def on_wire(pairs: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as bytes, their names in lower case. No value may end its line: all are encoded at once."""
    values = "\n".join(pairs.values()).encode("latin-1").split(b"\n")
    return list(zip(_lower(tuple(pairs)), values, strict=True))


@lru_cache(maxsize=256)
def _lower(names: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple([name.lower().encode("ascii") for name in names])
