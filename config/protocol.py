"""Uvicorn's HTTP protocol, which refuses hot requests beyond what the process can do before they cost anything.

A refusal from inside the application costs a task, a request and a response: a fifth of a request that is served.
When thousands ask at once that is what the process then spends its time on. Here it is decided when the headers are
there, and answered when the body is, which nobody has looked at. Whatever is unusual about a request (a body of
unknown length or a large one, another request before it that is not answered yet, HTTP/1.0) goes the long way, where
the same limit holds.

Uvicorn waits for the end of a request's head as long as it takes, keeps whatever comes meanwhile, and never closes a connection
on which nothing was asked. Here a head has a largest size and a deadline, and who asks nothing is let go like who has nothing
more to ask.
"""

import asyncio
from functools import cache
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from apps.core import admission, known
from apps.core.api import answers, lean_request, request_ids
from apps.core.errors import Overloaded
from config import direct, hot_urls
from config.shares import SHARES

# A body with more digits in its length is not read here.
DIGITS = 5
# Request line and headers that come in pieces: so many bytes (and one read of the socket), so many seconds from the first.
MAX_HEAD, HEAD_S = 65_536, 15.0
_SAME_LENGTH = "req_" + "0" * 26
# Headers that say more than what the application is told.
_FROM_PROXY = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})
_TELLING = _FROM_PROXY | {b"expect"}


class Protocol(HttpToolsProtocol):
    """One connection. `refusing` from a refused request's headers to its last byte."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusing = False
        # The headers of the last head that was whole; bytes of one that is not, and when it must be.
        self.whole: list[tuple[bytes, bytes]] | None = None
        self.head_bytes = 0
        self.head_due: asyncio.TimerHandle | None = None
        # Uvicorn's middleware that believes a proxy, and what is inside it.
        self.outer = self.inner = self.app
        if isinstance(self.outer, ProxyHeadersMiddleware):
            self.inner = self.outer.app
        # What answers hot requests, without asking again whether they are.
        self.hot = getattr(self.inner, "hot", self.inner)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.meta = lean_request.of_connection(self.client, self.server)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Each request has a list of its own.
        if self.headers is not self.whole:
            self._wait_for_head(len(data))

    def _wait_for_head(self, more: int) -> None:
        self.head_bytes += more
        if self.transport.is_closing():
            return
        if self.head_bytes > MAX_HEAD:
            self._hang_up(431, b"The request's headers are too large.")
        elif self.head_due is None:
            self.head_due = self.loop.call_later(HEAD_S, self._head_is_late)

    def _head_is_late(self) -> None:
        self.head_due = None
        if self._is_idle():
            self._hang_up(408, b"The request's headers did not arrive in time.")
        else:  # somebody works on the request before it
            self._wait_for_head(0)

    def _forget_head(self) -> None:
        self.head_bytes = 0
        if self.head_due is not None:
            self.head_due.cancel()
            self.head_due = None

    def _hang_up(self, status: int, why: bytes) -> None:
        """In the plain words in which Uvicorn refuses what is no request."""
        if self._is_idle():
            head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(why)
            self.transport.write(STATUS_LINE[status] + direct.added(self.server_state.default_headers) + head + why)
        self.transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Uvicorn looks at each of them for one; here all are looked at once, when they are there.
        self.headers.append((name.lower(), value))

    def _notice(self) -> bool:
        """Whether a proxy says something; who wants to be asked for the body before it comes is noted."""
        self.expect_100_continue = any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.headers)
        return not _FROM_PROXY.isdisjoint(dict(self.headers))

    def on_headers_complete(self) -> None:
        self.whole = self.headers
        if self.head_bytes:
            self._forget_head()
        hot = self._is_hot()
        # Where no proxy says anything, the middleware would read the client's address and all headers for nothing: 400 steps.
        if not _TELLING.isdisjoint(dict(self.headers)) and self._notice():
            self.app = self.outer
        else:
            self.app = self.hot if hot else self.inner
            self.scope[lean_request.CONNECTION] = self.meta  # type: ignore[literal-required]  # ours
        if not hot:
            super().on_headers_complete()
        elif admission.is_full() and self._is_plain():
            self.refusing = True
            self._wait()
        else:
            super().on_headers_complete()
            # Its task runs next, and before this: whatever becomes of it, it is not expected any longer.
            admission.expect()
            self.loop.call_soon(admission.begin)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._forget_head()
        SHARES.tell(len(self.connections))

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_hot(self) -> bool:
        path = self.url.partition(b"?")[0].decode("latin-1")
        return known.settings.HOT_ROUTES and hot_urls.is_hot(self.parser.get_method().decode("ascii"), path)

    def _is_plain(self) -> bool:
        """Nothing is to be known of this request but where it ends."""
        if self.access_log or self.expect_100_continue or not self._is_idle():
            return False
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive() or self.parser.should_upgrade():
            return False
        named = dict(self.headers)
        return b"transfer-encoding" not in named and len(named.get(b"content-length", b"")) <= DIGITS

    def _wait(self) -> None:
        """Whoever does not go on is let go as if the connection were idle."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def on_body(self, body: bytes) -> None:
        if self.refusing:
            self._wait()
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.refusing:
            super().on_message_complete()
            return
        self.refusing = False
        self.server_state.total_requests += 1
        self.transport.write(refusal(self.server_state.default_headers))


def refusal(headers: list[tuple[bytes, bytes]]) -> bytes:
    """A whole answer: 503 with an id of its own."""
    return STATUS_LINE[503] + direct.added(headers) + _rest().replace(_SAME_LENGTH.encode(), request_ids.new().encode())


@cache
def _rest() -> bytes:
    response = answers.error_response(Overloaded(), _SAME_LENGTH)
    pairs = "".join(f"{name.lower()}: {value}\r\n" for name, value in response.items())
    return f"{pairs}\r\n".encode() + response.content
