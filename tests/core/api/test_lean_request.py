"""The hot views' request is Django's."""

import io

import pytest
from django.core.handlers.asgi import ASGIRequest

from apps.core.api.lean_request import CONNECTION, LeanRequest, of_connection

USUAL = [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer sk_test_1"), (b"content-length", b"2"), (b"x-name", "é".encode("latin-1"))]


@pytest.mark.parametrize(
    "headers",
    [
        USUAL,
        [],
        [*USUAL, (b"idempotency-key", b"a"), (b"idempotency-key", b"b")],
        [*USUAL, (b"x_forwarded_for", b"1.2.3.4"), (b"x-forwarded-for", b"5.6.7.8")],
        [*USUAL, (b"x-folded", b"one\ntwo")],
        [(b"x-%d" % n, b"") for n in range(100)],
    ],
)
def test_headers_are_in_meta_as_django_puts_them_there(headers) -> None:
    scope = {"type": "http", "method": "POST", "path": "/v1/refunds", "query_string": b"a=b", "headers": headers, "client": ("1.2.3.4", 5)}
    for _ in range(2):
        assert LeanRequest(scope, b"{}").META == ASGIRequest(scope, io.BytesIO(b"{}")).META


@pytest.mark.parametrize(("client", "server"), [(("1.2.3.4", 5), ("api", 443)), (None, ("/run/florin", None)), (("::1", 5), None)])
def test_what_is_kept_of_a_connection_is_what_django_finds_out_for_each_request(client, server) -> None:
    scope = {"type": "http", "method": "GET", "path": "/v1/balance", "query_string": b"", "headers": USUAL, "client": client}
    scope |= {"server": server} if server else {}
    kept = LeanRequest({**scope, CONNECTION: of_connection(client, server), "client": None, "server": None}, b"")
    assert kept.META == ASGIRequest(scope, io.BytesIO(b"")).META
