"""A client that speaks ASGI to a handler in this process, byte for byte as a server would."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]


class Left(Exception):
    """The handler ended without an answer, as it may when the client has left."""


async def ask(
    app,
    method: str,
    url: str,
    *,
    headers: list[tuple[str, str]] | dict[str, str] | None = None,
    chunks: list[bytes | None] | None = None,
    pause_s: float = 0.0,
    address: str = "127.0.0.1",
) -> Reply:
    """Sends `chunks` as the body, in as many messages; None among them is the client leaving."""
    path, _, query = url.partition("?")
    pairs = headers.items() if isinstance(headers, dict) else headers or []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": quote(path, safe="/%").encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in [("host", "localhost"), *pairs]],
        "client": (address, 1),
        "server": ("127.0.0.1", 80),
    }
    waiting, sent, left = list(chunks or [b""]), [], asyncio.Event()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause_s)
        if not waiting:
            await left.wait()
        chunk = waiting.pop(0) if waiting else None
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    left.set()
    if not sent:
        raise Left()
    assert len({name.lower() for name, _ in sent[0]["headers"]}) == len(sent[0]["headers"]), "a header was sent twice"
    names = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:]))
