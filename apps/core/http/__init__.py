"""The one door for calls to the outside: gateways, merchants' webhook endpoints. `calls` is that door; URLs of our own choosing
go over `lines`, those that merchants choose through aiohttp."""

from apps.core.http.calls import (
    FailureKind,
    HttpFailed,
    HttpRequest,
    PublicResolver,
    asend,
    begin,
    close,
    in_loop,
    send,
)
from apps.core.http.lines import HttpReply

__all__ = [
    "FailureKind",
    "HttpFailed",
    "HttpReply",
    "HttpRequest",
    "PublicResolver",
    "asend",
    "begin",
    "close",
    "in_loop",
    "send",
]
