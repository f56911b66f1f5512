"""Customers."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core import clock
from apps.core.ids import decode
from apps.merchants.domain import Caller
from apps.payments.domain import requests, rows
from apps.payments.errors import CustomerDeleted, ReferenceMissing
from apps.payments.models import Customer, PaymentMethod
from apps.payments.renderers import objects, shapes
from apps.payments.services.changing import changed, given, locked, tell
from apps.payments.services.payment_methods import attach_payment_method

_PLAIN = ("name", "email", "phone", "description", "address", "shipping")


def create_customer(*, caller: Caller, body: requests.CreateCustomer, method_id: UUID | None, key: str | None) -> Customer:
    """A new customer; with `method_id`, whose payment method it is.

    Locks: the payment method.  Emits: customer.created, payment_method.attached.  Raises: NotFound, MethodInUse.
    """
    customer = Customer(
        merchant_id=caller.merchant_id,
        livemode=caller.livemode,
        created=clock.now(),
        metadata={name: value for name, value in (body.metadata or {}).items() if value != ""},
        **given(body, *_PLAIN),
    )
    customer.save(force_insert=True)
    if method_id is not None:
        attach_payment_method(caller=caller, method_id=method_id, customer_id=customer.id, key=key)
    if body.invoice_settings is not None:
        _set_default(customer, body.invoice_settings)
        customer.save(update_fields=["default_payment_method_id"])
    tell(customer, type="customer.created", document=_rendered(customer), caller=caller, key=key)
    return customer


def update_customer(*, caller: Caller, customer_id: UUID, body: requests.UpdateCustomer, key: str | None) -> Customer:
    """What the request gives is changed, the rest stays.

    Locks: the customer.  Emits: customer.updated.  Raises: NotFound, CustomerDeleted, ReferenceMissing.
    """
    customer = locked(Customer, caller=caller, id=customer_id)
    if customer.deleted_at is not None:
        raise CustomerDeleted(param="id")
    changes: dict[str, Any] = given(body, *_PLAIN, "metadata")
    if isinstance(body.invoice_settings, requests.InvoiceSettings):
        _set_default(customer, body.invoice_settings)
        changes["default_payment_method_id"] = customer.default_payment_method_id
    changed(customer, changes=changes)
    tell(customer, type="customer.updated", document=_rendered(customer), caller=caller, key=key)
    return customer


def delete_customer(*, caller: Caller, customer_id: UUID) -> Customer:
    """The customer's data is gone and its payment methods cannot be used any more; payments that were
    made keep referring to its id. Doing it twice does nothing more.

    Locks: the customer, its payment methods.  Emits: customer.deleted.  Raises: NotFound.
    """
    customer = locked(Customer, caller=caller, id=customer_id)
    if customer.deleted_at is not None:
        return customer
    document = _rendered(customer)
    PaymentMethod.objects.filter(merchant_id=caller.merchant_id, livemode=caller.livemode, customer_id=customer.id).update(
        customer_id=None, detached_at=clock.now(), billing_details={}
    )
    nothing = dict.fromkeys((*_PLAIN, "default_payment_method_id"))
    customer.metadata = {}
    changed(customer, changes={**nothing, "metadata": None, "deleted_at": clock.now()})
    tell(customer, type="customer.deleted", document=document, caller=caller, key=None)
    return customer


def forget_customer(*, caller: Caller, customer_id: UUID) -> UUID:
    """`delete_customer` in a transaction of its own; returns the id."""
    with transaction.atomic(durable=True):
        return delete_customer(caller=caller, customer_id=customer_id).id


def _set_default(customer: Customer, settings: requests.InvoiceSettings) -> None:
    """Raises: ReferenceMissing unless the payment method is this customer's."""
    name = settings.default_payment_method
    if name is None:
        customer.default_payment_method_id = None
        return
    method_id = decode("pm", name, "invoice_settings[default_payment_method]")
    if not PaymentMethod.objects.filter(id=method_id, merchant_id=customer.merchant_id, customer_id=customer.id).exists():
        raise ReferenceMissing(kind="payment_method", id=name, param="invoice_settings[default_payment_method]")
    customer.default_payment_method_id = method_id


def _rendered(customer: Customer) -> shapes.Customer:
    return objects.customer(rows.of(rows.Customer, customer))
