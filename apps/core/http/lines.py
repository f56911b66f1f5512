"""HTTP/1.1 to servers of our own choosing (gateways), over connections that stay open.

One request on a connection at a time, no redirects, cookies, proxies or content codings. A call costs
a quarter of what aiohttp's client does (docs/decisions/0005-gateway-client.md), which stays for URLs that
merchants choose: they need its resolver.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httptools
from msgspec import Struct

from apps.core.promise import Promise

# Servers close what has been idle for long; a connection they are about to close is not used any more.
IDLE_S = 15.0
MAX_HEAD = 65_536


class NotConnected(Exception):
    """There is no connection: nothing was sent."""


class TooLarge(Exception):
    """The answer is longer than it may be."""


class HttpReply(Struct, frozen=True):
    """`headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Origin(NamedTuple):
    host: str
    port: int
    is_secure: bool
    name: str  # as the Host header has it


class Line(asyncio.Protocol):
    """One connection. httptools calls the `on_…` methods. While it can be asked it waits in `idle`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, idle: "deque[Line]") -> None:
        self._loop, self._idle = loop, idle
        self.was_heard = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._asked: asyncio.Future[HttpReply] | None = None
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, request: bytes, asked: asyncio.Future[HttpReply], *, until: float, most: int) -> None:
        """Sends the request. `asked` will have its answer, of at most `most` bytes, or else TimeoutError (at `until`, the loop's time),
        TooLarge or ConnectionError."""
        self._asked = asked
        self._parser, self._headers, self._parts = httptools.HttpResponseParser(self), {}, []
        self._head_size = self._size = 0
        self._has_head = self.was_heard = False
        self._most, self._timer = most, self._loop.call_at(until, self._late)
        if self._transport is None:
            self._fail(ConnectionResetError())
        else:
            self._transport.write(request)

    def close(self) -> None:
        """Drops the connection; who waits for an answer has ConnectionAbortedError."""
        self._fail(ConnectionAbortedError())

    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's, as the protocol is one

    def data_received(self, data: bytes) -> None:
        if self._asked is None or self._asked.done():
            self.close()  # nobody asked
            return
        self.was_heard = True
        if not self._has_head:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ConnectionError(type(error).__name__))
        if not self._has_head and self._head_size > MAX_HEAD:
            self._fail(ConnectionError("a head without an end"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if exc is None and self._asked is not None and self._ends_with_connection():
            self._answer(stays=False)
        self._fail(exc or ConnectionResetError())

    def on_message_begin(self) -> None:
        if self._asked is None or self._asked.done():
            self.close()  # a second answer to one question

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._most:
            self._fail(TooLarge(f"more than {self._most} bytes"))
        else:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # "continue" and the like: the answer is still to come
            self._headers, self._has_head = {}, False
        elif not self._ends_with_connection():
            self._answer(stays=self.is_open() and self._parser.should_keep_alive())

    def _ends_with_connection(self) -> bool:
        """Whether nothing but the end of the connection says where the answer ends."""
        has_body = self._has_head and self._parser.get_status_code() not in (204, 304)
        return has_body and "content-length" not in self._headers and "transfer-encoding" not in self._headers

    def _answer(self, *, stays: bool) -> None:
        """The answer is whole. Where the connection `stays` it can be asked again."""
        if self._timer is not None:
            self._timer.cancel()
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(HttpReply(self._parser.get_status_code(), self._headers, b"".join(self._parts)))
        if stays:
            self.idle_since = self._loop.time()
            self._idle.append(self)
        else:
            self.close()

    def _late(self) -> None:
        self._fail(TimeoutError())

    def _fail(self, error: Exception) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(error)


class Lines:
    """The connections of one event loop."""

    def __init__(self) -> None:
        self._idle: dict[Origin, deque[Line]] = {}

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, deadline_s: float, most: int) -> HttpReply:
        """The whole answer.  Raises: NotConnected, TooLarge, TimeoutError, OSError, ValueError (for what is no request)."""
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline_s
        origin, request = _request(method, url, headers, body)
        line = self._waiting(origin, loop.time())
        if line is not None:
            try:
                return await _exchange(line, request, until, most)
            except ConnectionError:
                # The server had closed it already, as it seems. What changes nothing is asked once more.
                if method != "GET" or line.was_heard:
                    raise
        line = await _connected(origin, self._idle.setdefault(origin, deque()), until)
        return await _exchange(line, request, until, most)

    def begin(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, deadline_s: float, most: int, reply: Promise[HttpReply]
    ) -> bool:
        """Asks over a connection that is open, and says whether there is one. `reply` will have the answer or what `ask` raises."""
        now = reply.get_loop().time()
        origin, request = _request(method, url, headers, body)
        line = self._waiting(origin, now)
        if line is None:
            return False
        line.ask(request, reply, until=now + deadline_s, most=most)
        return True

    def _waiting(self, origin: Origin, now: float) -> Line | None:
        """A connection that is open and idle, the one used last. Those that nobody has used for long are closed."""
        idle = self._idle.get(origin)
        while idle and now - idle[0].idle_since > IDLE_S:
            idle.popleft().close()
        while idle:
            line = idle.pop()
            if line.is_open():
                return line
        return None

    def close(self) -> None:
        for idle in self._idle.values():
            for line in idle:
                line.close()
        self._idle.clear()


async def _exchange(line: Line, request: bytes, until: float, most: int) -> HttpReply:
    asked: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
    line.ask(request, asked, until=until, most=most)
    try:
        return await asked
    except BaseException:
        line.close()
        raise


async def _connected(origin: Origin, idle: deque[Line], until: float) -> Line:
    secure = _verified() if origin.is_secure else None
    try:
        async with asyncio.timeout_at(until):
            loop = asyncio.get_running_loop()
            return (await loop.create_connection(lambda: Line(loop, idle), origin.host, origin.port, ssl=secure))[1]
    except TimeoutError:
        raise
    except OSError as error:
        raise NotConnected(type(error).__name__) from None


@cache
def _verified() -> ssl.SSLContext:
    return ssl.create_default_context()


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[Origin, bytes]:
    """Where to, and the bytes. What comes before the body's length is mostly what it was before."""
    origin, head = _head(method, url, tuple(headers.items()))
    if body or method != "GET":
        return origin, b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
    return origin, head + b"\r\n"


@lru_cache(maxsize=256)
def _head(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Origin, bytes]:
    path_at = url.find("/", len("https://"))
    base, target = (url, "/") if path_at < 0 else (url[:path_at], url[path_at:])
    origin = _origin(base)
    lines = [f"{method} {target} HTTP/1.1", f"Host: {origin.name}", "User-Agent: Florin", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join(lines)
    if not head.isascii() or not "".join(lines).isprintable() or " " in target or "#" in target:
        raise ValueError("a request that cannot be written")
    return origin, head.encode() + b"\r\n"


@lru_cache(maxsize=64)
def _origin(base: str) -> Origin:
    parts: Any = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment or parts.username:
        raise ValueError("not the URL of a server")
    is_secure = parts.scheme == "https"
    return Origin(parts.hostname, parts.port or (443 if is_secure else 80), is_secure, parts.netloc)
