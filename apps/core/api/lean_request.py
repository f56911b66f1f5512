"""Django's request for hot views, made of an ASGI scope and a body that has been read."""

import io
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.utils.functional import cached_property


class _Names(dict[bytes, str | None]):
    """Names of headers in META. Those that most requests have are there; others are named as they come, and none
    is given to one with an underscore, which could pass for another's."""

    def __missing__(self, name: bytes) -> str | None:
        return None if b"_" in name else "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


_USUAL = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Host",
    "Idempotency-Key",
    "Stripe-Version",
    "User-Agent",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Stripe-Client-User-Agent",
)
_META_NAMES = _Names({name.lower().encode(): "HTTP_" + name.upper().replace("-", "_") for name in _USUAL})
_META_NAMES |= {b"content-length": "CONTENT_LENGTH", b"content-type": "CONTENT_TYPE"}
# A client names its headers alike in all of its requests: what they are called, by what was sent. Few, and short.
_MOST_ALIKE, _LONGEST = 256, 40
_alike: dict[tuple[bytes, ...], tuple[str, ...]] = {}


# Where a request's scope holds what `of_connection` says of all requests of its connection, if the server has kept it.
CONNECTION = "florin.connection"


def of_connection(client: Any, server: Any) -> dict[str, Any]:
    """What META says of every request between these two addresses; each is (host, port), or None where there is none."""
    host, port = server or ("unknown", 0)
    meta: dict[str, Any] = {"wsgi.multithread": True, "wsgi.multiprocess": True, "SERVER_NAME": host, "SERVER_PORT": str(port)}
    if client:
        meta["REMOTE_ADDR"] = meta["REMOTE_HOST"] = client[0]
        meta["REMOTE_PORT"] = client[1]
    return meta


class LeanRequest(ASGIRequest):
    """The same request with the same META. What hot views do not ask for (the parts of the content type,
    a body to be read as a file) is made when it is asked for: half of what Django's own costs."""

    def __init__(self, scope: Any, body: bytes) -> None:
        self.scope = scope
        self._body = body
        self._post_parse_error = self._read_started = False
        self.resolver_match = None
        self.path = path = scope["path"]
        self.script_name = scope.get("root_path") or ""
        self.path_info = path.removeprefix(self.script_name) if self.script_name else path
        self.method = scope["method"].upper()
        self.META = _meta(scope, self)

    @cached_property
    def _stream(self) -> io.BytesIO:  # type: ignore[override]  # an attribute there
        return io.BytesIO(self._body)

    @cached_property
    def content_type(self) -> str | None:  # type: ignore[override]  # an attribute there
        self._set_content_type_params(self.META)  # type: ignore[attr-defined]  # not in the stubs
        return self.__dict__["content_type"]  # type: ignore[no-any-return]

    @cached_property
    def content_params(self) -> dict[str, str] | None:  # type: ignore[override]  # an attribute there
        self._set_content_type_params(self.META)  # type: ignore[attr-defined]  # not in the stubs
        return self.__dict__["content_params"]  # type: ignore[no-any-return]


def _meta(scope: Any, request: LeanRequest) -> dict[str, Any]:
    return {
        **(scope.get(CONNECTION) or of_connection(scope.get("client"), scope.get("server"))),
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": scope["query_string"].decode(),
        "SCRIPT_NAME": request.script_name,
        "PATH_INFO": request.path_info,
        **_named(scope["headers"]),
    }


def _named(headers: Any) -> dict[str, str]:
    """Values by the names that META has for their headers. Where the names are known, all values are decoded at once."""
    if not headers:
        return {}
    sent, values = zip(*headers, strict=True)
    names = _alike.get(sent) or _learned(sent)
    if names is not None:
        texts = b"\n".join(values).decode("latin-1").split("\n")
        if len(texts) == len(names):
            return dict(zip(names, texts, strict=True))
    return _joined(headers)


def _learned(sent: tuple[bytes, ...]) -> tuple[str, ...] | None:
    """What the headers are called in META, if no two are called the same and none is to be passed over."""
    names = [_META_NAMES[name] for name in sent]
    known = tuple([name for name in names if name is not None])
    if len(set(known)) != len(sent):
        return None
    if len(_alike) < _MOST_ALIKE and max(len(sent), *map(len, sent)) <= _LONGEST:
        _alike[sent] = known
    return known


def _joined(headers: Any) -> dict[str, str]:
    """The headers where some have the same name, or one that is not to be believed."""
    named: dict[str, str] = {}
    for name, value in headers:
        meta_name, text = _META_NAMES[name], value.decode("latin-1")
        if meta_name is not None:
            named[meta_name] = f"{named[meta_name]},{text}" if meta_name in named else text
    return named
