"""The DRF twin's answer to a request that came to a hot view."""

import asyncio
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.utils.module_loading import import_string

from apps.core.api import request_ids
from apps.merchants.api.exchange import HANDED_OVER, HandedOver


async def answer(request: ASGIRequest, let_in: HandedOver) -> HttpResponse:
    """What the stock handler answers, unchanged. It is given the same request, under the same id, with the
    body that was read, and who calls: nobody is authenticated or charged a token twice."""
    scope = {**request.scope, HANDED_OVER: let_in, request_ids.GIVEN: request_ids.of(request)}
    parts: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        parts.append(message)

    await _stock()(scope, _receive(request.body), send)
    return _response(parts)


@lru_cache(maxsize=1)
def _stock() -> Any:
    return import_string(settings.CLASSIC_APPLICATION)


def _receive(body: bytes) -> Any:
    """Gives the body, and then waits for ever: whether the client stays is not the twin's concern."""
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _response(parts: list[dict[str, Any]]) -> HttpResponse:
    start, *rest = parts
    response = HttpResponse(b"".join(part.get("body", b"") for part in rest), status=start["status"])
    del response["Content-Type"]
    for name, value in start["headers"]:
        response[name.decode("ascii")] = value.decode("latin-1")
    return response
