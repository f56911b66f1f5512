"""A connection to Redis on the event loop, bare: commands go out together, replies come back in order.

For callers that batch by themselves and must not wait for a Redis that stands still. redis-py's client
costs five times as much a call, and takes a loop that was late for a server that was.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
from redis.connection import SSLConnection, parse_url


class Wire(asyncio.Protocol):
    """One connection, one exchange at a time. Once an exchange has failed the wire is dead."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.dead = False
        self._loop = asyncio.get_running_loop()
        self._replies = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._due = 0
        self._timer: asyncio.TimerHandle | None = None
        self._each: Callable[[Any], None] = _ignored
        self._end: Callable[[Exception | None], None] = _ignored

    @property
    def busy(self) -> bool:
        """Whether replies are still waited for."""
        return self._due > 0

    def send(self, commands: Sequence[bytes], each: Callable[[Any], None], end: Callable[[Exception | None], None]) -> None:
        """Sends `commands` (encoded, at least one). `each` gets every reply in order; `end` is called once:
        with None when all are there, or with what went wrong: TimeoutError, OSError, hiredis.HiredisError."""
        if self._transport is None or self.busy:
            raise RuntimeError("a wire carries one exchange at a time")
        self._due, self._each, self._end = len(commands), each, end
        self._wait(self.timeout_s)
        self._transport.write(b"".join(commands))

    def close(self) -> None:
        """Drops the connection; an exchange under way ends with ConnectionAbortedError."""
        self._fail(ConnectionAbortedError())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's, as the protocol is one

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.feed(data)
            while self._due and (reply := self._replies.gets()) is not False:
                if isinstance(reply, Exception):
                    raise reply
                self._due -= 1
                self._each(reply)
        except hiredis.HiredisError as error:
            self._fail(error)
            return
        if not self._due and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError())

    def _wait(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._late, self._loop.time() + seconds)

    def _late(self, due_at: float) -> None:
        if self._loop.time() - due_at > self.timeout_s / 5:
            self._wait(self.timeout_s / 5)  # the loop itself was late: the reply may lie in the socket, unread
        else:
            self._fail(TimeoutError())

    def _fail(self, error: Exception) -> None:
        if self.dead:
            return
        self.dead = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._due:
            self._due = 0
            self._end(error)


async def connected(url: str, timeout_s: float) -> Wire:
    """A wire to the Redis at `url` that has answered. Raises: TimeoutError, OSError, hiredis.HiredisError."""
    options = parse_url(url)  # type: ignore[no-untyped-call]
    async with asyncio.timeout(timeout_s):
        wire = await _opened(options, timeout_s)
        greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        wire.send(_greeting(options), _ignored, lambda error: _greeted(greeted, error))
        try:
            await greeted
        except asyncio.CancelledError:
            wire.close()
            raise
    return wire


def _greeted(waiting: asyncio.Future[None], error: Exception | None) -> None:
    if waiting.done():
        return
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(None)


def packed(*parts: bytes | str | int) -> bytes:
    """A command as Redis reads it."""
    return bytes(hiredis.pack_command(parts))  # type: ignore[arg-type]  # its stub takes tuples of one


async def _opened(options: dict[str, Any], timeout_s: float) -> Wire:
    loop = asyncio.get_running_loop()
    if "path" in options:
        return (await loop.create_unix_connection(lambda: Wire(timeout_s), options["path"]))[1]
    secure = ssl.create_default_context(cafile=options.get("ssl_ca_certs")) if options.get("connection_class") is SSLConnection else None
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    return (await loop.create_connection(lambda: Wire(timeout_s), host, port, ssl=secure))[1]


def _greeting(options: dict[str, Any]) -> list[bytes]:
    """Who we are, and which database we mean."""
    said = []
    if options.get("password"):
        said.append(packed("AUTH", options.get("username") or "default", options["password"]))
    said.append(packed("SELECT", options.get("db", 0)))
    return said


def _ignored(_: Any) -> None:
    pass
