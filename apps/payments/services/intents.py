"""Changing a payment intent that nobody has confirmed yet; its description and metadata at any time."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from apps.core.ids import decode
from apps.merchants.domain import Caller
from apps.payments import selectors
from apps.payments.domain import requests, rows
from apps.payments.domain.states import ALLOWED, allows, before_confirmation
from apps.payments.errors import CustomerMismatch, IntentBusy, MethodNotUsable, ReferenceMissing, UnexpectedState
from apps.payments.models import Attempt, PaymentIntent, PaymentMethod
from apps.payments.models.intents import LIVE
from apps.payments.renderers import objects
from apps.payments.services.changing import changed, given, locked

_ANY_TIME = ("description", "metadata")
_BEFORE = (
    "amount",
    "currency",
    "capture_method",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "transfer_group",
    "payment_method_options",
)


def update_payment_intent(
    *, caller: Caller, intent_id: UUID, body: requests.UpdatePaymentIntent, method_id: UUID | None, method: rows.PaymentMethod | None
) -> PaymentIntent:
    """What the request gives is changed. `method_id` and `method` are what its `payment_method` names
    (the row where it is new).

    Locks: the intent.  Raises: NotFound, UnexpectedState, IntentBusy, ReferenceMissing, CustomerMismatch.
    """
    intent = locked(PaymentIntent, caller=caller, id=intent_id)
    changes = given(body, *_BEFORE)
    if "payment_method_options" in changes:
        changes["payment_method_options"] = {k: v for k, v in (changes["payment_method_options"] or {}).items() if v is not None}
    if body.customer is not UNSET:
        changes["customer_id"] = _customer(caller, body.customer)
    if body.payment_method is not UNSET:
        changes |= _method(caller, method_id, method)
    if changes:
        _must_be_open(intent)
        _must_fit(intent, changes)
    return changed(intent, changes={**changes, **given(body, *_ANY_TIME)})


def _must_be_open(intent: PaymentIntent) -> None:
    row = rows.of(rows.Intent, intent)
    if not allows(row.status, "update"):
        document = objects.payment_intent(row)
        raise UnexpectedState(intent=document, verb="update", state=intent.status, allowed=" or ".join(ALLOWED["update"]))
    if Attempt.objects.filter(intent_id=intent.id, state__in=LIVE).exclude(kind="refund").exists():
        raise IntentBusy(kind="payment intent")


def _customer(caller: Caller, name: Any) -> UUID | None:
    if name is None:
        return None
    found = selectors.usable_customer(merchant_id=caller.merchant_id, livemode=caller.livemode, id=decode("cus", name, "customer"))
    if found is None:
        raise ReferenceMissing(kind="customer", id=name, param="customer")
    return found.id


def _method(caller: Caller, method_id: UUID | None, row: rows.PaymentMethod | None) -> dict[str, Any]:
    """The changes that a payment method (or none) brings."""
    if row is not None:
        columns = {name: getattr(row, name) for name in ("id", "merchant_id", "livemode", "created", "gateway", "token")}
        PaymentMethod(**columns, card=msgspec.to_builtins(row.card)).save(force_insert=True)
    elif method_id is not None:
        found = selectors.owned(PaymentMethod, merchant_id=caller.merchant_id, livemode=caller.livemode).filter(id=method_id).first()
        if found is None:
            raise ReferenceMissing(kind="payment_method", id=str(method_id), param="payment_method")
        if found.detached_at is not None:
            raise MethodNotUsable(param="payment_method")
    return {"payment_method_id": method_id, "status": before_confirmation(method_id is not None)}


def _must_fit(intent: PaymentIntent, changes: dict[str, Any]) -> None:
    """A payment method that belongs to a customer pays only for that customer."""
    method_id = changes.get("payment_method_id", intent.payment_method_id)
    customer_id = changes.get("customer_id", intent.customer_id)
    owner = PaymentMethod.objects.filter(id=method_id).values_list("customer_id", flat=True).first() if method_id else None
    if owner is not None and owner != customer_id:
        raise CustomerMismatch(param="payment_method")
