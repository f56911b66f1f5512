"""The five endpoints on FastAPI: `uvicorn benchmarks.peers.fastapi_asyncpg.app:app --workers 2`."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import django
from fastapi import Depends, FastAPI, Request, Response

django.setup()

from apps.core import http, ids  # noqa: E402  (Django must be set up first)
from apps.core.api import answers, decode  # noqa: E402
from apps.core.api.lists import keyset, page_of  # noqa: E402
from apps.core.errors import FlorinError, error_body  # noqa: E402
from apps.core.flow import Flow  # noqa: E402
from apps.idempotency import domain as idempotency  # noqa: E402
from apps.idempotency.domain import Answer, RequestKey  # noqa: E402
from apps.merchants import flows as merchants  # noqa: E402
from apps.merchants.domain import Caller, hashed  # noqa: E402
from apps.merchants.errors import ApiKeyMissing, AuthenticationFailed  # noqa: E402
from apps.payments import flows  # noqa: E402
from apps.payments.domain import expansion, requests  # noqa: E402
from benchmarks.peers.fastapi_asyncpg import database  # noqa: E402

KNOWN_S = 0.5
_known: dict[bytes, tuple[float, dict[str, Any] | None]] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await database.open_pool()
    yield
    await http.close()
    await database.close_pool()


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)


async def authenticated(request: Request) -> Caller:
    """Whose key the request carries.  Raises: ApiKeyMissing, AuthenticationFailed."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ApiKeyMissing()
    key = await _key(hashed(secret.strip()))
    if key is None:
        raise AuthenticationFailed()
    return Caller(
        merchant_id=key["merchant_id"], livemode=key["livemode"], key_id=key["key_id"], scopes=frozenset(key["scopes"]),
        request_id=ids.encode("req", ids.new_id()), default_currency=key["default_currency"],
    )  # fmt: skip


async def _key(sha256: bytes) -> dict[str, Any] | None:
    """From the process's memory, or looked up again after half a second."""
    until, key = _known.get(sha256, (0.0, None))
    if until < time.monotonic():
        key = (await database.drive(merchants.look_up_keys([sha256]))).get(sha256)
        _known[sha256] = time.monotonic() + KNOWN_S, key
    return key


Authenticated = Annotated[Caller, Depends(authenticated)]


@app.exception_handler(FlorinError)
async def refused(request: Request, error: FlorinError) -> Response:
    return Response(error_body(error, ids.encode("req", ids.new_id()), "/docs/errors"), status_code=error.status, media_type=answers.JSON)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/payment_intents")
async def create_payment_intent(request: Request, caller: Authenticated) -> Response:
    body = await _body(request, requests.CreatePaymentIntent)
    return await _written(flows.create_payment_intent(caller, _request_key(request, caller, body), body))


@app.post("/v1/transfers")
async def create_transfer(request: Request, caller: Authenticated) -> Response:
    body = await _body(request, requests.CreateTransfer)
    return await _written(flows.create_transfer(caller, _request_key(request, caller, body), body))


@app.get("/v1/payment_intents")
async def list_payment_intents(request: Request, caller: Authenticated) -> Response:
    params = decode.decode("", b"", request.url.query, requests.ListPaymentIntents)
    expand = expansion.wanted(params.expand, "payment_intent", in_list=True)
    at = keyset(params, prefix="pi", column="i.id", created="i.created")
    found = await database.drive(flows.list_payment_intents(caller, at, expand, customer_id=None))
    return _shown(page_of(found, at, request.url.path))


@app.get("/v1/payment_intents/{id}")
async def retrieve_payment_intent(request: Request, caller: Authenticated, id: str) -> Response:
    params = decode.decode("", b"", request.url.query, requests.Retrieve)
    expand = expansion.wanted(params.expand, "payment_intent")
    return _shown(await database.drive(flows.retrieve_payment_intent(caller, ids.decode("pi", id), expand)))


@app.get("/v1/balance")
async def balance(caller: Authenticated) -> Response:
    return _shown(await database.drive(flows.retrieve_balance(caller)))


async def _body(request: Request, shape: type) -> Any:
    return decode.decode(request.headers.get("content-type", ""), await request.body(), request.url.query, shape)


def _request_key(request: Request, caller: Caller, body: Any) -> RequestKey:
    path = request.url.path
    return RequestKey(
        merchant_id=caller.merchant_id, livemode=caller.livemode,
        key=idempotency.checked_key(request.headers.getlist("idempotency-key")),
        fingerprint=idempotency.fingerprint(request.method, path, decode.canonical(body)), method_path=f"{request.method} {path}",
    )  # fmt: skip


async def _written(flow: Flow[Answer]) -> Response:
    answer = await database.drive(flow)
    return Response(answer.body, status_code=answer.status, media_type=answers.JSON)


def _shown(document: Any) -> Response:
    return Response(answers.encode(document), media_type=answers.JSON)
