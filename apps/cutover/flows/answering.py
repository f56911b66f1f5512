"""One request answered by the code of the hot path, and by its DRF twin, on Django's own connection.

Both are found by their URLs: this app knows no endpoint from inside. The gate is passed already, so
neither takes a token of the caller's limit.
"""

import io
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import HttpResponse
from django.urls import get_resolver

from apps.core.api import request_ids
from apps.core.errors import FlorinError
from apps.core.flow import Flow, run
from apps.cutover.domain.comparing import Told
from apps.cutover.domain.samples import Asked
from apps.cutover.flows.repeating import NotRepeatable
from apps.idempotency.domain import Answer
from apps.merchants.api import exchange, gate

log = structlog.get_logger(__name__)
Drive = Callable[[Flow[Answer]], Answer]


def classic(asked: Asked, drive: Drive | None = None) -> Told:
    """The DRF view's answer; `drive` carries out the flow of a write."""
    match = get_resolver(settings.ROOT_URLCONF).resolve(asked.path)
    view: Any = match.func
    return _told(asked, lambda: view.cls.as_view(drive=drive)(_request(asked), *match.args, **match.kwargs))


def hot(asked: Asked) -> Told:
    """The hot view's answer to a read."""
    match = get_resolver(settings.HOT_URLCONF).resolve(asked.path)
    view: Any = match.func
    return _told(asked, lambda: _hot(view.view_class(_request(asked)), asked, match.kwargs))


def _hot(view: Any, asked: Asked, kwargs: dict[str, Any]) -> HttpResponse:
    view.caller, view.rate_headers, view.read = asked.caller, {}, _read
    try:
        gate.require(asked.caller, view.scope.get(asked.method))
        return _driven(getattr(view, asked.method.lower())(view.request, **kwargs))
    except FlorinError as error:
        response: HttpResponse = view.refused(error)
        return response


async def _read(flow: Flow[Any]) -> Any:
    return run(flow)


def _driven(work: Coroutine[Any, Any, HttpResponse]) -> HttpResponse:
    """What a coroutine that waits for nothing returns."""
    try:
        work.send(None)
    except StopIteration as end:
        response: HttpResponse = end.value
        return response
    work.close()
    raise TypeError("a hot read waited for something else than its flow")


def _told(asked: Asked, answered: Callable[[], HttpResponse]) -> Told:
    """The response as the client would see it. An exception is the 500 that it would have become."""
    try:
        # A savepoint: what one side breaks must not be held against the other.
        with transaction.atomic():
            response = answered()
            if response.status_code >= 500:
                transaction.set_rollback(True)  # whatever it was may have broken the transaction
    except NotRepeatable:
        raise
    except Exception as error:
        log.exception("shadow.raised", endpoint=asked.path, error=type(error).__name__)
        return Told(500, "", type(error).__name__.encode())
    return Told(response.status_code, response.get("Content-Type", ""), response.content)


def _request(asked: Asked) -> ASGIRequest:
    """The request as the server would have made it, with what the gate found out beside it."""
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").lower().encode(), value.encode("latin-1")) for name, value in asked.headers.items()
    ]
    if asked.body:
        headers.append((b"content-length", str(len(asked.body)).encode()))
    scope = {
        "type": "http",
        "method": asked.method,
        "path": asked.path,
        "query_string": asked.query.encode("latin-1"),
        "headers": headers,
        exchange.HANDED_OVER: exchange.HandedOver(asked.caller, {}),
        request_ids.GIVEN: asked.caller.request_id,
    }
    request = ASGIRequest(scope, io.BytesIO(asked.body))
    request_ids.adopt(request)
    return request
