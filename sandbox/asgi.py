"""The little of HTTP over ASGI that the sandbox needs."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from sandbox.shapes import Refused

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

T = TypeVar("T")
MAX_BODY = 64 * 1024
_JSON = (b"content-type", b"application/json")


class Call:
    """One HTTP call: what came in, and the ways to answer it."""

    __slots__ = ("_receive", "_send", "method", "path", "scope")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._receive, self._send = receive, send

    async def body(self) -> bytes:
        message = await self._receive()
        body: bytes = message.get("body", b"")
        while message.get("more_body") and len(body) <= MAX_BODY:
            message = await self._receive()
            body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise Refused(413, "body_too_large", f"The body is larger than {MAX_BODY} bytes.")
        return body

    def query(self, name: str) -> str | None:
        values = parse_qs(self.scope["query_string"].decode("latin-1")).get(name)
        return values[-1] if values else None

    def base_url(self) -> str:
        """This server as the caller addressed it."""
        host = next((value for name, value in self.scope["headers"] if name == b"host"), b"localhost")
        return f"{self.scope['scheme']}://{host.decode('latin-1')}"

    async def send(self, status: int, body: bytes, headers: Iterable[Header]) -> None:
        await self.start(status, len(body), headers)
        await self._send({"type": "http.response.body", "body": body})

    async def json(self, status: int, content: Any) -> None:
        await self.send(status, msgspec.json.encode(content), (_JSON,))

    async def json_bytes(self, status: int, body: bytes) -> None:
        await self.send(status, body, (_JSON,))

    async def redirect(self, location: str) -> None:
        await self.send(303, b"", ((b"location", location.encode("ascii")),))

    async def start(self, status: int, length: int, headers: Iterable[Header]) -> None:
        sent = [*headers, (b"content-length", str(length).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": sent})

    async def part(self, body: bytes, *, last: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})

    async def drip(self, body: bytes, interval_s: float) -> None:
        """The answer, one byte at a time, for as long as the caller has patience."""
        await self.start(200, len(body), (_JSON,))
        for position in range(len(body)):
            if await self.left_within(interval_s):
                return
            await self.part(body[position : position + 1], last=position + 1 == len(body))

    async def left_within(self, seconds: float) -> bool:
        """Waits that long, or less where the caller hangs up; whether it did. The body must have been read."""
        try:
            await asyncio.wait_for(self._receive(), seconds)
        except TimeoutError:
            return False
        return True

    async def cut(self) -> None:
        """The connection is reset: the caller gets no answer and no polite end of one."""
        # ASGI has no word for this; the server's transport is behind the callable it gave us.
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError("this server does not let the sandbox cut a connection: run it under uvicorn")
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
        await self.left_within(5)


Handler = Callable[[Call], Awaitable[None]]
Routes = dict[tuple[str, str], Handler]


def decoder(shape: type[T]) -> Callable[[bytes], T]:
    """Decodes a body into exactly that shape; anything else is refused with what was wrong."""
    decode = msgspec.json.Decoder(shape).decode

    def strictly(body: bytes) -> T:
        try:
            return decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(400, "invalid_request", str(error)) from error

    return strictly
