"""The merchant's request, kept beside the attempt so that anybody can finish it, and the gateway's
answer to it."""

import time
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from msgspec import Struct

from apps.core.errors import FlorinError, error_body
from apps.core.flow import Flow, Http
from apps.core.http import HttpFailed, HttpRequest
from apps.core.ids import encode
from apps.idempotency.domain import Answer, RequestKey
from apps.merchants.domain import Caller
from apps.payments import gateways
from apps.payments.domain import rows, schedule
from apps.payments.domain.replies import Reply, unknown
from apps.payments.domain.rows import Attempt, Intent, PaymentMethod
from apps.payments.gateways.base import Asked, Gateway

log = structlog.get_logger(__name__)
Json = dict[str, Any]


class Request(Struct, frozen=True, kw_only=True):
    """Who asked, under which key, and how the answer is to look."""

    key: Json
    expand: list[str] = []
    request_id: str | None = None
    reason: str | None = None

    @property
    def idempotency_key(self) -> str | None:
        key: str | None = self.key.get("key")
        return key


def request_of(caller: Caller, key: RequestKey, object_id: UUID, *, expand: frozenset[str], reason: str | None = None) -> Request:
    """What is kept of a request until its answer is stored: who finishes it may be another process."""
    return Request(key=key.claim(object_id), expand=sorted(expand), request_id=caller.request_id, reason=reason)


def request_behind(attempt: Attempt) -> Request:
    """The request that began `attempt`."""
    return rows.read(Request, attempt.request)


def refused_answer(error: FlorinError, request: Request) -> Answer:
    """A refusal as the answer that is stored under the request's key."""
    return Answer(error.status, error_body(error, request.request_id or "", f"{settings.PUBLIC_BASE_URL}/docs/errors"), kept=True)


def asked_of(attempt: Attempt, intent: Intent | None, method: PaymentMethod | None) -> Asked:
    """The gateway request of `attempt`: the same, word for word, whenever it is made."""
    return Asked(
        kind=attempt.kind,
        reference=encode("att", attempt.id),
        amount=attempt.amount,
        currency=attempt.currency,
        capture=attempt.capture,
        token=method.token if method and attempt.kind == "authorize" else "",
        authorization=encode("att", attempt.authorization_id) if attempt.authorization_id else "",
        merchant_reference=encode("pi", attempt.intent_id),
        return_url=intent.return_url if intent else None,
    )


def ask(attempt: Attempt, asked: Asked, *, begun_at: float) -> Flow[Reply]:
    """Carries `asked` out. `begun_at` (monotonic) is when the begin was asked for: a process that was
    stopped since does not send any more, because others may have decided that nothing was sent."""
    if time.monotonic() - begun_at > schedule.SEND_WITHIN_S:
        return unknown("not sent: too late")
    gateway = gateways.GATEWAYS[attempt.gateway]
    return (yield from _exchange(gateway, gateway.request(asked), asked))


def look(attempt: Attempt, asked: Asked) -> Flow[Reply]:
    """What the gateway says became of `asked`."""
    gateway = gateways.GATEWAYS[attempt.gateway]
    return (yield from _exchange(gateway, gateway.look(asked), asked))


def _exchange(gateway: Gateway, request: HttpRequest, asked: Asked) -> Flow[Reply]:
    try:
        http_reply = yield Http(request)
    except HttpFailed as failed:
        log.warning("gateway.silent", reference=asked.reference, kind=failed.kind)
        return unknown(failed.kind)
    reply: Reply = gateway.read(http_reply, asked)
    if reply.verdict == "unknown":
        log.warning("gateway.unclear", reference=asked.reference, detail=reply.detail[:200])
    return reply
