"""Past Uvicorn's two messages each way, where the request is there already and the answer is whole.

Uvicorn looks at the name and the value of each header with a regular expression of its own, and puts the answer together
header by header: a thousand steps of the interpreter, a fifth of a hot request. The answers of the API have few sets of
names, so what stands between their values is kept. Whatever is unusual goes Uvicorn's way, and so do other servers.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_BODILESS = (204, 304)
_UNUSUAL = {"connection", "transfer-encoding"}
# What Uvicorn adds to every answer: a list that it makes anew each second, and its bytes.
_added: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")


def body_of(receive: Callable[[], Awaitable[Any]]) -> bytes | None:
    """The whole body, if it has come; None where it is to be received."""
    cycle = getattr(receive, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
        return None
    return bytes(cycle.body)


def sent(send: Callable[[Any], Awaitable[None]], status: int, pairs: Mapping[str, str], body: bytes) -> bool:
    """Whether the answer went out. Otherwise nothing was done."""
    cycle = getattr(send, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or cycle.disconnected or cycle.response_started or cycle.flow.write_paused:
        return False
    lines, values = _lines(tuple(pairs)), tuple(pairs.values())
    if lines is None or cycle.access_log or status in _BODILESS or cycle.scope["method"] == "HEAD":
        return False
    if not "".join(values).isprintable() or pairs["Content-Length"] != str(len(body)):
        return False
    last = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
    head = (lines % values).encode("latin-1")
    cycle.transport.write(b"".join((STATUS_LINE[status], added(cycle.default_headers), head, last, body)))
    _end(cycle)
    return True


def _end(cycle: RequestResponseCycle) -> None:
    """What Uvicorn does behind the last byte of an answer."""
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


@lru_cache(maxsize=256)
def _lines(names: tuple[str, ...]) -> str | None:
    """The lines of these headers with places for their values; None where one of them says how the answer is sent."""
    if "Content-Length" not in names or any(name.lower() in _UNUSUAL or "%" in name for name in names):
        return None
    return "".join([f"{name.lower()}: %s\r\n" for name in names])


def added(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The lines of the headers that the server adds to every answer."""
    global _added
    if _added[0] is not headers:
        _added = headers, b"".join([b"%b: %b\r\n" % pair for pair in headers])
    return _added[1]
