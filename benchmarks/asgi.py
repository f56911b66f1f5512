"""Requests for an ASGI application in this process, without a server and a socket in front."""

from collections.abc import Callable


async def ask(application: Callable, raw: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to one request, given as the bytes that the load generator would send."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.decode().split(" ")
    path, _, query = target.partition("?")
    status, answer = 0, b""

    async def receive() -> dict:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict) -> None:
        nonlocal status, answer
        status = message.get("status", status)
        answer += message.get("body", b"")

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "scheme": "http", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000), "headers": [(name.lower(), value) for name, value in (line.split(b": ", 1) for line in lines)],
        "state": {},
    }  # fmt: skip
    await application(scope, receive, send)
    return status, answer
