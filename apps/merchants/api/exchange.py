"""What both kinds of view do with a request, so that a DRF view and its async twin cannot differ."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote_plus

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host

from apps.core import known
from apps.core.api import answers, cards, decode, request_ids
from apps.core.api.errors import (
    BodyInvalid,
    BodyTooLarge,
    CardDataNotAccepted,
    ContentTypeUnsupported,
    HostInvalid,
    MethodNotAllowed,
    UrlInvalid,
)
from apps.core.errors import FlorinError
from apps.idempotency import domain as idempotency
from apps.idempotency.domain import Answer, RequestKey
from apps.idempotency.errors import IdempotencyKeyRequired, IdempotencyKeyReused
from apps.merchants.domain import KEY_IN_TEXT, Caller
from apps.merchants.errors import ApiKeyInUrl

S = TypeVar("S", bound=msgspec.Struct)

MAX_BODY = 262_144
MAX_PATH = 1_024
MAX_QUERY = 8_192
SHORT_PATH = 32
METHODS = ("GET", "POST", "DELETE")


# Where a request's scope holds what the gate of a hot view has found out about it.
HANDED_OVER = "florin.handed_over"


class HandedOver(NamedTuple):
    """Who calls, and the headers of the token that was taken."""

    caller: Caller
    rate_headers: Mapping[str, str]


def handed_over(request: HttpRequest) -> HandedOver | None:
    """What a hot view found out before it handed the request over to its DRF twin: the gate must not take
    a second token. Only the server writes to a request's scope."""
    scope: Mapping[str, Any] = getattr(request, "scope", None) or {}
    return scope.get(HANDED_OVER)


class Exchange:
    """One request and its answer. `caller` is set once the gate has let the request in, `asked` once the
    identity of a write is known."""

    request: HttpRequest
    caller: Caller
    asked: RequestKey | None = None
    # Scope needed, by method; a method without an entry needs only a valid key.
    scope: Mapping[str, str] = {}
    rate_headers: Mapping[str, str] = {}

    def body(self, shape: type[S]) -> S:
        """The request's body as a `shape`. Raises an error that names the parameter that is wrong."""
        meta = self.request.META
        encoding = meta.get("HTTP_CONTENT_ENCODING")
        if encoding is not None and encoding.strip().lower() not in ("", "identity"):
            raise ContentTypeUnsupported(reason="there is a Content-Encoding")
        return decode.decode(meta.get("CONTENT_TYPE", ""), self.raw(), meta.get("QUERY_STRING", ""), shape)

    def params(self, shape: type[S]) -> S:
        """The query string as a `shape`, for methods without a body."""
        if self.raw():
            raise BodyInvalid(reason=f"{self.request.method} takes its parameters in the URL, not in a body.")
        return decode.decode("", b"", self.request.META.get("QUERY_STRING", ""), shape)

    def key(self, body: msgspec.Struct) -> RequestKey:
        """The identity of this write, for whoever makes it happen once."""
        request, caller = self.request, self.caller
        sent = request.META.get("HTTP_IDEMPOTENCY_KEY")
        # A comma may have come between two headers: then they are looked at one by one.
        values = [] if sent is None else _header_values(request, "idempotency-key") if "," in sent else [sent]
        key = idempotency.checked_key(values)
        if key is None and caller.require_idempotency_key:
            raise IdempotencyKeyRequired()
        if key is not None and cards.holds_card_data(key):
            raise CardDataNotAccepted()
        method = request.method or ""
        self.asked = RequestKey(
            merchant_id=caller.merchant_id,
            livemode=caller.livemode,
            key=key,
            fingerprint=idempotency.fingerprint(method, request.path, decode.canonical(body)),
            method_path=f"{method} {request.path}",
        )
        return self.asked

    def raw(self) -> bytes:
        """The body's bytes, at most 256 KB."""
        length = self.request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > MAX_BODY:
            raise BodyTooLarge(limit=MAX_BODY)
        body = self.request.body
        if len(body) > MAX_BODY:
            raise BodyTooLarge(limit=MAX_BODY)
        return body

    def shown(self, document: Any, status: int = 200) -> HttpResponse:
        """The response that shows a rendered object or list."""
        return answers.respond(status, answers.encode(document), self.rate_headers)

    def answered(self, answer: Answer) -> HttpResponse:
        """The response to a write: its bytes as they were stored. It is named by whoever sends it (the lean handler,
        RequestIdMiddleware)."""
        headers = self.rate_headers
        sent = self.request.META.get("HTTP_IDEMPOTENCY_KEY")
        if sent is not None:
            headers = {**headers, "Idempotency-Key": sent}
        if answer.replayed:
            headers = {**headers, "Idempotent-Replayed": "true"}
        return answers.respond(answer.status, answer.body, headers)

    def refused(self, error: FlorinError) -> HttpResponse:
        """The response that says what is wrong. The official SDKs raise their IdempotencyError for 400
        only, so they, who name themselves in a header, get 400 where everybody else gets 422."""
        response = answers.error_response(error, request_ids.of(self.request), self.rate_headers)
        if isinstance(error, IdempotencyKeyReused) and "HTTP_X_STRIPE_CLIENT_USER_AGENT" in self.request.META:
            response.status_code = 400
        return response

    @classmethod
    @cache
    def allowed(cls) -> list[str]:
        """The methods that this view has."""
        names = [name for name in METHODS if hasattr(cls, name.lower())]
        return ["HEAD", *names] if "GET" in names else names

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Says which methods there are; needs no key."""
        response = HttpResponse(status=204, headers={"Allow": ", ".join([*self.allowed(), "OPTIONS"])})
        response["Request-Id"] = request_ids.of(request)
        return response

    def wrong_method(self) -> MethodNotAllowed:
        method = self.request.method or ""
        known = method if method.isalpha() and len(method) <= 20 else "This method"
        return MethodNotAllowed(method=known, allowed=", ".join(self.allowed()))


def refuse_url(request: HttpRequest) -> None:
    """Raises for a host that is not served here, and for a URL that is too long or holds control
    characters, an API key or card data."""
    path, meta = request.path, request.META
    query = meta.get("QUERY_STRING", "")
    if not _is_served(meta.get("HTTP_HOST", meta.get("SERVER_NAME", "")), tuple(known.settings.ALLOWED_HOSTS)):
        raise HostInvalid()
    # The paths without an id in them are the same again and again.
    (_refuse_again if len(path) <= SHORT_PATH else _refuse_path)(path)
    if query:
        _refuse_query(query)


def _refuse_path(path: str) -> None:
    if len(path) > MAX_PATH:
        raise UrlInvalid(reason="it is too long.")
    if not path.isprintable():
        raise UrlInvalid(reason="its path holds control characters.")
    _refuse_secrets(path)


def _refuse_query(query: str) -> None:
    if len(query) > MAX_QUERY:
        raise UrlInvalid(reason="it is too long.")
    _refuse_secrets(unquote_plus(query))


def _refuse_secrets(text: str) -> None:
    if "k_" in text and KEY_IN_TEXT.search(text):
        raise ApiKeyInUrl()
    if cards.holds_card_data(text):
        raise CardDataNotAccepted()


_refuse_again = lru_cache(maxsize=256)(_refuse_path)


@lru_cache(maxsize=256)
def _is_served(host: str, allowed: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def _header_values(request: HttpRequest, name: str) -> list[str]:
    """All values of a header, each header apart where the server tells them apart (ASGI does)."""
    scope = getattr(request, "scope", None)
    if scope is None:
        value = request.META.get("HTTP_" + name.upper().replace("-", "_"))
        return [] if value is None else [value]
    wanted = name.encode()
    return [value.decode("latin-1") for header, value in scope["headers"] if header == wanted]
