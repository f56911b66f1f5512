"""Payment methods: tokens of cards, and whose they are."""

from typing import Any
from uuid import UUID

import msgspec

from apps.core import clock
from apps.core.ids import encode
from apps.merchants.domain import Caller
from apps.payments import selectors
from apps.payments.domain import requests, rows
from apps.payments.domain.replies import Card
from apps.payments.errors import MethodInUse, MethodNotUsable, ReferenceMissing
from apps.payments.models import PaymentMethod
from apps.payments.renderers import objects, shapes
from apps.payments.services.changing import changed, given, locked, tell


def create_payment_method(
    *, caller: Caller, gateway: str, token: str, card: Card, billing_details: dict[str, Any] | None, metadata: dict[str, str] | None
) -> PaymentMethod:
    """A payment method that nobody's is yet, for a token of `gateway`."""
    method = PaymentMethod(
        merchant_id=caller.merchant_id,
        livemode=caller.livemode,
        created=clock.now(),
        gateway=gateway,
        token=token,
        card=msgspec.to_builtins(card),
        billing_details=billing_details or {},
        metadata={name: value for name, value in (metadata or {}).items() if value != ""},
    )
    method.save(force_insert=True)
    return method


def update_payment_method(*, caller: Caller, method_id: UUID, body: requests.UpdatePaymentMethod, key: str | None) -> PaymentMethod:
    """Locks: the payment method.  Emits: payment_method.updated.  Raises: NotFound."""
    method = changed(locked(PaymentMethod, caller=caller, id=method_id), changes=given(body, "billing_details", "metadata"))
    tell(method, type="payment_method.updated", document=_rendered(method), caller=caller, key=key)
    return method


def attach_payment_method(*, caller: Caller, method_id: UUID, customer_id: UUID, key: str | None) -> PaymentMethod:
    """The payment method is the customer's; if it is already, nothing changes.

    Locks: the payment method.  Emits: payment_method.attached.  Raises: NotFound, ReferenceMissing,
    MethodInUse, MethodNotUsable.
    """
    method = locked(PaymentMethod, caller=caller, id=method_id)
    if selectors.usable_customer(merchant_id=caller.merchant_id, livemode=caller.livemode, id=customer_id) is None:
        raise ReferenceMissing(kind="customer", id=encode("cus", customer_id), param="customer")
    if method.customer_id == customer_id:
        return method
    if method.detached_at is not None:
        raise MethodNotUsable(param="payment_method")
    if method.customer_id is not None:
        raise MethodInUse(param="payment_method")
    changed(method, changes={"customer_id": customer_id})
    tell(method, type="payment_method.attached", document=_rendered(method), caller=caller, key=key)
    return method


def detach_payment_method(*, caller: Caller, method_id: UUID, key: str | None) -> PaymentMethod:
    """The payment method is nobody's and cannot be used again.

    Locks: the payment method.  Emits: payment_method.detached.  Raises: NotFound, MethodNotUsable.
    """
    method = locked(PaymentMethod, caller=caller, id=method_id)
    if method.customer_id is None:
        raise MethodNotUsable(param="payment_method")
    changed(method, changes={"customer_id": None, "detached_at": clock.now()})
    tell(method, type="payment_method.detached", document=_rendered(method), caller=caller, key=key)
    return method


def _rendered(method: PaymentMethod) -> shapes.PaymentMethod:
    return objects.payment_method(rows.of(rows.PaymentMethod, method))
