"""The sandbox acquirer: idempotent by our reference, and it can be asked by it."""

from typing import Any

import msgspec
import structlog
from msgspec import Struct

from apps.core import known
from apps.core.http import HttpReply, HttpRequest
from apps.payments.domain.replies import MISSING, Card, Reply, Verdict, unknown
from apps.payments.gateways.base import Asked

log = structlog.get_logger(__name__)

_HEADERS = {"Content-Type": "application/json"}
_LOOK_S = 5.0

# What the gateway may say of each kind of request, and what it means to us.
_VERDICTS: dict[str, dict[str, Verdict]] = {
    "authorize": {"captured": "captured", "authorized": "authorized", "declined": "declined", "requires_action": "challenged"},
    "capture": {"captured": "captured", "declined": "declined"},
    "void": {"voided": "voided", "declined": "declined"},
    "refund": {"refunded": "refunded", "declined": "declined"},
}


class _Operation(Struct, frozen=True, kw_only=True):
    """The gateway's answer; fields we do not know are its own business."""

    reference: str
    kind: str
    status: str
    amount: int
    currency: str
    code: str | None = None
    decline_code: str | None = None
    network_reference: str | None = None
    card: Card | None = None
    redirect_url: str | None = None


_ENCODER = msgspec.json.Encoder()
_OPERATION = msgspec.json.Decoder(_Operation)
_TOKENS = msgspec.json.Decoder(dict[str, Card])


class Sandbox:
    name = "sandbox"
    missing_window_s = 120

    def request(self, asked: Asked) -> HttpRequest:
        body: dict[str, Any] = {"reference": asked.reference}
        if asked.kind != "void":
            body["amount"], body["currency"] = asked.amount, asked.currency
        if asked.kind != "authorize":
            body["authorization"] = asked.authorization
        else:
            body["payment_method"], body["capture"] = asked.token, asked.capture
            body["merchant_reference"] = asked.merchant_reference
            if asked.return_url:
                body["return_url"] = asked.return_url
        return self._call(f"/v1/{asked.kind}", _ENCODER.encode(body))

    def look(self, asked: Asked) -> HttpRequest:
        return self._question(f"/v1/operations/{asked.reference}")

    def describe(self) -> HttpRequest:
        return self._question("/tokens")

    def _call(self, path: str, body: bytes) -> HttpRequest:
        return HttpRequest("POST", known.settings.SANDBOX_URL + path, _HEADERS, body, deadline_s=known.settings.GATEWAY_DEADLINE_S)

    def _question(self, path: str) -> HttpRequest:
        return HttpRequest("GET", known.settings.SANDBOX_URL + path, deadline_s=min(known.settings.GATEWAY_DEADLINE_S, _LOOK_S))

    def read(self, reply: HttpReply, asked: Asked) -> Reply:
        if reply.status == 404 and _says_not_found(reply.body):
            return MISSING
        if reply.status != 200:
            return unknown(f"status {reply.status}")
        try:
            operation = _OPERATION.decode(reply.body)
        except msgspec.MsgspecError as error:
            return unknown(f"unreadable: {error}")
        return _checked(operation, asked)

    def card_of(self, reply: HttpReply, token: str) -> Card | None:
        return _TOKENS.decode(reply.body).get(token)

    def token_for(self, name: str) -> str:
        return name if name.startswith("pm_card_") else "pm_card_" + name.removeprefix("tok_")


def _says_not_found(body: bytes) -> bool:
    """A proxy's 404 page says nothing about the reference."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return False
    return isinstance(document, dict) and document.get("error") == "not_found"


def _checked(operation: _Operation, asked: Asked) -> Reply:
    """The operation as our reply, if it is the one we asked about, to the last unit."""
    verdict = _VERDICTS[asked.kind].get(operation.status)
    if verdict is None or not _same(operation, asked, verdict) or not _possible(verdict, operation, asked):
        told = f"{operation.reference} {operation.kind} {operation.status} {operation.amount} {operation.currency}"
        log.error("gateway.wrong_answer", reference=asked.reference, told=told[:200])
        return unknown("an answer to something else")
    return Reply(
        verdict=verdict,
        code=operation.code,
        decline_code=operation.decline_code,
        card=operation.card,
        network_reference=operation.network_reference,
        redirect_url=operation.redirect_url,
    )


def _same(operation: _Operation, asked: Asked, verdict: Verdict) -> bool:
    """Whether the answer is to our question. A refused void names no amount that we could know."""
    if (operation.reference, operation.kind) != (asked.reference, asked.kind):
        return False
    is_refused_void = asked.kind == "void" and verdict == "declined"
    return is_refused_void or (operation.amount, operation.currency) == (asked.amount, asked.currency)


def _possible(verdict: Verdict, operation: _Operation, asked: Asked) -> bool:
    """Whether the gateway did no more and no less than it was asked for."""
    if asked.kind != "authorize":
        return True
    if operation.card is None or (verdict == "challenged" and not operation.redirect_url):
        return False
    return verdict not in ("captured", "authorized") or (verdict == "captured") == asked.capture
