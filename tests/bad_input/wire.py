"""Requests as bytes on the wire, so that nothing on our side makes them well-formed."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict:
        """The error object, {} when the answer is not one of ours."""
        try:
            return orjson.loads(self.body).get("error", {})
        except (orjson.JSONDecodeError, AttributeError):
            return {}


def send(base: str, request: bytes, *, parts: Iterable[bytes] = ()) -> Answer:
    """The answer to the bytes of `request`, followed by `parts` as long as the server still listens."""
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(request)
        _send_while_heard(connection, parts)
        return _parse(_read_all(connection))


def _send_while_heard(connection: socket.socket, parts: Iterable[bytes]) -> None:
    try:
        for part in parts:
            connection.sendall(part)
    except OSError:
        return  # the server has answered and closed; the answer is still there to be read


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part


def _parse(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    if headers.get("transfer-encoding") == "chunked":
        body = _joined(body)
    return Answer(int(lines[0].split()[1]) if received else 0, headers, body)


def _joined(chunks: bytes) -> bytes:
    body = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        body, chunks = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


def request(
    method: str,
    path: str,
    *,
    secret: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
    kind: str = "application/json",
) -> bytes:
    """One HTTP/1.1 request, `Connection: close`; no Content-Length where there is no body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    if secret:
        lines.append(f"Authorization: Bearer {secret}")
    if kind and body is not None:
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
