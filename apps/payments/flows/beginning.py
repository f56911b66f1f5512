"""The rows that a request makes, and the errors for what a begin refuses."""

from binascii import b2a_base64
from datetime import datetime
from os import urandom
from typing import Any
from uuid import UUID

from apps.core import clock, known
from apps.core.errors import FlorinError, InvalidRequest, NotFound
from apps.core.ids import decode, encode, new_id
from apps.idempotency.domain import RequestKey
from apps.merchants.domain import Caller
from apps.payments import gateways
from apps.payments.domain import requests, rows, schedule
from apps.payments.domain.rows import Attempt, Intent, PaymentMethod
from apps.payments.domain.states import ALLOWED, Verb, before_confirmation
from apps.payments.errors import (
    AmountTooLarge,
    BalanceInsufficient,
    ChargeAlreadyRefunded,
    ChargeNotRefundable,
    CustomerDeleted,
    CustomerMismatch,
    IntentBusy,
    MethodMissing,
    MethodNotUsable,
    ReferenceMissing,
    UnexpectedState,
)
from apps.payments.flows import tokens
from apps.payments.renderers import objects

Json = dict[str, Any]
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def chosen_method(
    caller: Caller, name: str | None, billing: Json | None = None, *, now: datetime | None = None
) -> tuple[UUID | None, PaymentMethod | None]:
    """(its id, the new row if there is none yet) for a payment method in a request. The gateway's
    test methods become a payment method of their own each time, as cards given anew would; `tokens.with_card` asks
    for their card, where nothing else will."""
    if name is None:
        return None, None
    if not name.startswith(tokens.TEST_METHOD):
        return decode("pm", name, "payment_method"), None
    row = PaymentMethod(
        id=new_id(),
        merchant_id=caller.merchant_id,
        livemode=caller.livemode,
        created=now or clock.now(),
        gateway=gateways.DEFAULT,
        token=name,
        card=tokens.remembered(name),
        billing_details=billing or {},
    )
    return row.id, row


def new_intent(caller: Caller, body: requests.CreatePaymentIntent, method_id: UUID | None, *, now: datetime) -> Intent:
    """The intent that `body` asks for, not confirmed yet."""
    intent_id = new_id()
    return Intent(
        id=intent_id,
        merchant_id=caller.merchant_id,
        livemode=caller.livemode,
        version=1,
        created=now,
        status=before_confirmation(method_id is not None),
        amount=body.amount,
        amount_capturable=0,
        amount_received=0,
        currency=body.currency,
        capture_method=body.capture_method,
        confirmation_method=body.confirmation_method,
        customer_id=None if body.customer is None else decode("cus", body.customer, "customer"),
        payment_method_id=method_id,
        client_secret=f"{encode('pi', intent_id)}_secret_{_new_secret()}",
        description=body.description,
        statement_descriptor=body.statement_descriptor,
        statement_descriptor_suffix=body.statement_descriptor_suffix,
        receipt_email=body.receipt_email,
        metadata=_without_empty(body.metadata),
        setup_future_usage=body.setup_future_usage,
        shipping=None if body.shipping is None else requests.plain(body.shipping),
        automatic_payment_methods=None if body.automatic_payment_methods is None else requests.plain(body.automatic_payment_methods),
        payment_method_options=options_of(body),
        transfer_group=body.transfer_group,
        return_url=body.return_url,
    )


def _new_secret() -> str:
    """144 random bits in 24 characters that need no escapes. (`secrets.token_urlsafe` takes 2 µs for it.)"""
    return b2a_base64(urandom(18), newline=False).translate(_URL_SAFE).decode()


def _without_empty(metadata: dict[str, str] | None) -> dict[str, str]:
    if not metadata:
        return {}
    return {name: value for name, value in metadata.items() if value != ""} if "" in metadata.values() else metadata


def options_of(body: requests.Confirmation) -> Json:
    """The options by kind of payment method, without those that were not given."""
    if body.payment_method_options is None:
        return {}
    given = requests.plain(body.payment_method_options) or {}
    return {name: value for name, value in given.items() if value is not None}


def changes_of(body: requests.Confirmation) -> Json:
    """The intent's columns that a confirmation changes."""
    changes: Json = {
        "return_url": body.return_url,
        "receipt_email": body.receipt_email,
        "setup_future_usage": body.setup_future_usage,
        "shipping": requests.plain(body.shipping),
        "payment_method_options": options_of(body) or None,
    }
    return {name: value for name, value in changes.items() if value is not None}


def refuse_confirmation_only(body: requests.CreatePaymentIntent) -> None:
    """Raises where a parameter makes sense only together with `confirm`."""
    if body.off_session is not None or body.error_on_requires_action:
        name = "error_on_requires_action" if body.off_session is None else "off_session"
        raise InvalidRequest(param=name, reason="it goes together with confirm=true only.")


def begin_command(caller: Caller, key: RequestKey, verb: Verb, intent_id: UUID, attempt: Json, *, now: datetime | None = None) -> Json:
    """What every begin has; `attempt` lacks what follows from the rows."""
    return {
        "key": key.claim(attempt["id"]),
        "merchant_id": caller.merchant_id,
        "livemode": caller.livemode,
        "intent_id": intent_id,
        "intent": None,
        "method": None,
        "method_id": None,
        "allowed": ALLOWED[verb],
        "changes": {},
        "asked": None,
        "attempt": {"gateway": gateways.DEFAULT, "created": now or clock.now(), **attempt},
        "first_look_s": schedule.LOOKS_S[0],
        "last_byte_s": schedule.last_byte_s(known.settings.GATEWAY_DEADLINE_S),
        "with_customer": "customer" in attempt["request"]["expand"],
        "events": [],
    }


def new_authorization(intent: Intent, attempt: Json) -> Attempt:
    """The attempt that a begin commits for a new intent."""
    return Attempt(
        merchant_id=intent.merchant_id,
        livemode=intent.livemode,
        intent_id=intent.id,
        payment_method_id=intent.payment_method_id,
        amount=intent.amount,
        currency=intent.currency,
        capture=intent.capture_method != "manual",
        **attempt,
    )


def refusal(outcome: Json, verb: Verb, **about: Any) -> FlorinError:
    """The error for what a begin or create refused. `about`: what the request named."""
    code = outcome["error"]
    if code in ("unexpected_state", "method_required"):
        intent = rows.read(Intent, outcome["intent"])
        kind = MethodMissing if code == "method_required" else UnexpectedState
        allowed = " or ".join(ALLOWED[verb])
        return kind(intent=objects.payment_intent(intent), verb=verb, state=intent.status, allowed=allowed, param=about.get("param"))
    if code == "amount_too_large":
        return AmountTooLarge(
            param=about["param"], asked=about["asked"], limit=outcome["limit"], verb=f"{verb}d" if verb == "capture" else "refunded"
        )
    error: FlorinError = _REFUSALS[code](outcome, about)
    return error


_REFUSALS: dict[str, Any] = {
    "intent_missing": lambda outcome, about: NotFound(kind="payment_intent", id=about.get("id", "")),
    "busy": lambda outcome, about: IntentBusy(kind="payment intent"),
    "customer_missing": lambda outcome, about: ReferenceMissing(kind="customer", id=encode("cus", UUID(outcome["id"])), param="customer"),
    "customer_deleted": lambda outcome, about: CustomerDeleted(param="customer"),
    "method_missing": lambda outcome, about: ReferenceMissing(
        kind="payment_method", id=encode("pm", UUID(outcome["id"])), param="payment_method"
    ),
    "method_not_usable": lambda outcome, about: MethodNotUsable(param="payment_method"),
    "customer_mismatch": lambda outcome, about: CustomerMismatch(param="payment_method"),
    "charge_missing": lambda outcome, about: ReferenceMissing(kind=about["kind"], id=about["id"], param=about["kind"]),
    "charge_not_refundable": lambda outcome, about: ChargeNotRefundable(id=about["charge"], param="charge"),
    "charge_already_refunded": lambda outcome, about: ChargeAlreadyRefunded(id=about["charge"], param="charge"),
    "balance_insufficient": lambda outcome, about: BalanceInsufficient(param="amount", currency=about["currency"].upper()),
}
