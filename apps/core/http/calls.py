"""Calls to the outside: gateways, merchants' webhook endpoints. URLs of our own choosing go over our own lines, those
that merchants choose through aiohttp.

Sync code goes through a background event loop of the process, so that deadlines, size limits and
address checks exist once. No redirects, no cookies, no proxy settings from the environment.
"""

import asyncio
import atexit
import os
import socket
from collections.abc import Coroutine, Mapping
from threading import Lock, Thread
from typing import Any, Literal

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from msgspec import Struct

from apps.core import ssrf
from apps.core.http.lines import HttpReply, Lines, NotConnected, TooLarge
from apps.core.promise import Promise

FailureKind = Literal["timeout", "connect", "reset", "too_large", "blocked"]


class HttpRequest(Struct, frozen=True):
    """`deadline_s` bounds the whole call, from the name look-up to the last byte. `guard` allows
    only public addresses over https (for URLs that merchants choose). An answer longer than
    `max_bytes` fails as too_large, or with `truncate` is cut there."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    deadline_s: float = 10.0
    max_bytes: int = 1_048_576
    guard: bool = False
    truncate: bool = False


class HttpFailed(Exception):
    """No whole answer came. `sent` is False only when certainly nothing reached the other side."""

    def __init__(self, kind: FailureKind, *, sent: bool, detail: str = "") -> None:
        self.kind = kind
        self.sent = sent
        self.detail = detail
        super().__init__(f"{kind}: {detail}")


class PublicResolver(AbstractResolver):
    """Resolves once, here, and refuses a name with any address that is not public."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for address in found:
            ssrf.assert_public(address["host"])
        return found

    async def close(self) -> None:
        await self._inner.close()


def public_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket for `address`, refused unless public: the last look before the connection is made,
    which also sees addresses that no name led to."""
    family, kind, protocol, _, where = address
    ssrf.assert_public(str(where[0]))
    return socket.socket(family, kind, protocol)


class _Clients:
    """What one event loop has: lines to our own gateways, and two sessions for merchants' URLs, one of them for
    places where private addresses are allowed."""

    def __init__(self) -> None:
        self.lines = Lines()
        self.plain = self._session(aiohttp.TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=10))
        # No limit of connections either: waiting for one would count against a call's deadline, and
        # endpoints that hang would keep the others out. Senders bound what they send at once.
        guarded = aiohttp.TCPConnector(
            limit=0, force_close=True, use_dns_cache=False, resolver=PublicResolver(), socket_factory=public_socket
        )
        self.guarded = self._session(guarded)

    @staticmethod
    def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)

    async def close(self) -> None:
        self.lines.close()
        await self.plain.close()
        await self.guarded.close()


_clients: dict[int, _Clients] = {}


def _clients_of_loop() -> _Clients:
    key = id(asyncio.get_running_loop())
    if key not in _clients:
        _clients[key] = _Clients()
    return _clients[key]


async def close() -> None:
    """Closes the clients of the running loop (ASGI lifespan end)."""
    clients = _clients.pop(id(asyncio.get_running_loop()), None)
    if clients is not None:
        await clients.close()


async def asend(request: HttpRequest) -> HttpReply:
    """The whole answer to `request`. Raises HttpFailed."""
    clients = _clients_of_loop()
    return await (_merchants(clients, request) if request.guard or request.truncate else _own(clients.lines, request))


async def _own(lines: Lines, request: HttpRequest) -> HttpReply:
    try:
        return await lines.ask(
            request.method, request.url, request.headers, request.body, deadline_s=request.deadline_s, most=request.max_bytes
        )
    except (NotConnected, TooLarge, OSError, ValueError) as error:
        raise _failed(error) from None


def _failed(error: BaseException) -> HttpFailed:
    """What `error` of a line says of the call."""
    if isinstance(error, NotConnected):
        return HttpFailed("connect", sent=False, detail=str(error))
    if isinstance(error, TooLarge):
        return HttpFailed("too_large", sent=True, detail=str(error))
    if isinstance(error, TimeoutError):
        return HttpFailed("timeout", sent=True)
    return HttpFailed("reset", sent=True, detail=type(error).__name__)


class _Reply(Promise[HttpReply]):
    """The reply to come, or HttpFailed."""

    def set_exception(self, exception: type | BaseException, /) -> None:
        super().set_exception(_failed(exception) if isinstance(exception, BaseException) else exception)


def begin(request: HttpRequest) -> Promise[HttpReply] | None:
    """Sends `request` at once where a connection is open for it; what comes of it, by its deadline at the latest, is
    the reply or HttpFailed. None where it is for `asend`: a connection is to be made first, or what is asked may have to be
    asked twice. It spares a task and a shield, which cost as much as the call."""
    if request.guard or request.truncate or request.method == "GET":
        return None
    reply = _Reply(loop=asyncio.get_running_loop())
    try:
        has_line = _clients_of_loop().lines.begin(
            request.method, request.url, request.headers, request.body, deadline_s=request.deadline_s, most=request.max_bytes, reply=reply
        )
    except ValueError:
        return None  # no request that can be written: `asend` says so
    return reply if has_line else None


async def _merchants(clients: _Clients, request: HttpRequest) -> HttpReply:
    guard = request.guard and not settings.WEBHOOK_ALLOW_PRIVATE
    try:
        if guard:
            ssrf.check_url(request.url)
        return await _exchange(clients.guarded if guard else clients.plain, request)
    except ssrf.Blocked as error:
        raise HttpFailed("blocked", sent=False, detail=str(error)) from None
    except TimeoutError:
        raise HttpFailed("timeout", sent=True) from None
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.__cause__, ssrf.Blocked) or isinstance(error.os_error, ssrf.Blocked):
            raise HttpFailed("blocked", sent=False, detail=str(error.os_error)) from None
        raise HttpFailed("connect", sent=False, detail=type(error).__name__) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise HttpFailed("reset", sent=True, detail=type(error).__name__) from None


async def _exchange(session: aiohttp.ClientSession, request: HttpRequest) -> HttpReply:
    timeout = aiohttp.ClientTimeout(total=request.deadline_s)
    async with session.request(
        request.method,
        request.url,
        data=request.body or None,
        headers=dict(request.headers),
        timeout=timeout,
        allow_redirects=False,
        max_line_size=8190,
        max_field_size=8190,
    ) as response:
        body = await _read(response, request.max_bytes, request.truncate)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpReply(response.status, headers, body)


async def _read(response: aiohttp.ClientResponse, limit: int, truncate: bool) -> bytes:
    body = b""
    async for part in response.content.iter_chunked(65536):
        body += part
        if len(body) > limit:
            response.close()
            if truncate:
                return body[:limit]
            raise HttpFailed("too_large", sent=True, detail=f"more than {limit} bytes")
    return body


class _Loop:
    """An event loop on a daemon thread, for sync callers of this process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        Thread(target=self.loop.run_forever, name="outside-calls", daemon=True).start()
        atexit.register(self._close)

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def _close(self) -> None:
        if self.pid == os.getpid():
            self.wait_for(close())


_loop: _Loop | None = None
_loop_lock = Lock()


def in_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs `work` on the process's background loop and waits for it. For sync callers only."""
    global _loop
    with _loop_lock:
        # A forked child has no thread behind the parent's loop.
        if _loop is None or _loop.pid != os.getpid():
            _clients.clear()
            _loop = _Loop()
    return _loop.wait_for(work)


def send(request: HttpRequest) -> HttpReply:
    """`asend` for sync callers."""
    reply: HttpReply = in_loop(asend(request))
    return reply
