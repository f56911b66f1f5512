"""Uvicorn's HTTP protocol, which refuses hot requests beyond what the process can do before they cost anything.

A refusal from inside the application costs a task, a request and a response: a fifth of a request that is served.
When thousands ask at once that is what the process then spends its time on. Here it is decided when the headers are
there, and answered when the body is, which nobody has looked at. Whatever is unusual about a request (a body of
unknown length or a large one, another request before it that is not answered yet, HTTP/1.0) goes the long way, where
the same limit holds.
"""

from functools import cache
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from apps.core import admission, known
from apps.core.api import answers, request_ids
from apps.core.errors import Overloaded
from config import direct, hot_urls
from config.shares import SHARES

# A body with more digits in its length is not read here.
DIGITS = 5
_SAME_LENGTH = "req_" + "0" * 26


class Protocol(HttpToolsProtocol):
    """One connection. `refusing` from a refused request's headers to its last byte."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusing = False
        # Uvicorn's middleware that believes a proxy, and what is inside it.
        self.outer = self.inner = self.app
        if isinstance(self.outer, ProxyHeadersMiddleware):
            self.inner = self.outer.app

    def on_headers_complete(self) -> None:
        self.app = self.outer if self._has_proxy() else self.inner
        if not self._is_hot():
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
        SHARES.tell(len(self.connections))

    def _has_proxy(self) -> bool:
        """Whether a proxy says something. Where it does not, the middleware would read the client's address and all
        headers for nothing: 400 steps."""
        named = dict(self.headers)
        return b"x-forwarded-for" in named or b"x-forwarded-proto" in named

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
